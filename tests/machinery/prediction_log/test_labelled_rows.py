"""Labelled rows: which answers of the log are learned from, and with which label."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core.times import EPOCH, Window, moment, now
from lifecycle.prediction_log import labelled_rows as module
from lifecycle.prediction_log.labelled_rows import Labelled


def labelled_rows(
    log: Path, since: datetime.datetime = EPOCH, until: datetime.datetime | None = None
) -> tuple[list[Labelled], int]:
    return module.labelled_rows(log, Window(since, until or now()))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Row 1 was answered on the first, row 2 on the second; both by a server that was asked by a shadow, too."""
    for day, number in (("2026-03-01", 1), ("2026-03-02", 2)):
        for role in ("production", "shadow"):
            answer(tmp_path, f"{day}T12:00:00+00:00", str(number), role, label="No", probability=0.2)
    return tmp_path


def answer(folder: Path, time: str, request_id: str, role: str = "production", **answer: Any) -> None:
    head = {"time": time, "version": 3, "role": role, "request_id": request_id, "milliseconds": 1.0}
    write(folder, time, "server.jsonl", head | {"inputs": {"x": 1, "note": '"request_id":"9"'}} | answer)


def label(folder: Path, time: str, request_id: str, label: Any) -> None:
    write(folder, time, "other.feedback.jsonl", {"time": time, "request_id": request_id, "label": label})


def write(folder: Path, time: str, name: str, content: Any) -> None:
    path = folder / time[:10] / name
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(content, separators=(",", ":")) + "\n")


def test_a_label_that_comes_in_days_later_belongs_to_its_row(log: Path) -> None:
    label(log, "2026-04-20T12:00:00+00:00", "1", "Yes")

    (row,), broken = labelled_rows(log)

    assert (row.request_id, row.label, row.version, broken) == ("1", "Yes", 3, 0)
    assert row.inputs["x"] == 1
    assert row.answer == {"label": "No", "probability": 0.2}
    assert (row.answered, row.labelled) == (moment("2026-03-01T12:00"), moment("2026-04-20T12:00"))


def test_a_window_is_of_answers_and_not_of_labels(log: Path) -> None:
    label(log, "2026-04-20T12:00:00+00:00", "1", "Yes")
    label(log, "2026-04-20T12:00:00+00:00", "2", "Yes")

    first, _ = labelled_rows(log, until=moment("2026-03-01T23:00"))
    second, _ = labelled_rows(log, since=moment("2026-03-01T13:00"))

    assert [row.request_id for row in first + second] == ["1", "2"]


def test_the_last_label_counts_in_whatever_order_they_lie(log: Path) -> None:
    label(log, "2026-03-05T12:00:00+00:00", "1", "Yes")
    label(log, "2026-03-05T10:00:00+02:00", "1", "No")  # earlier, though it comes later in the file

    (row,), _ = labelled_rows(log)

    assert row.label == "Yes"


def test_a_row_counts_once_though_a_shadow_has_seen_it_and_a_canary_counts_as_production_does(log: Path) -> None:
    answer(log, "2026-03-02T13:00:00+00:00", "3", "canary", prediction=2.5)
    for role in ("pinned", "staging"):
        answer(log, "2026-03-02T13:00:00+00:00", role, role)
    for request_id in ("1", "3", "pinned", "staging", "nobody"):
        label(log, "2026-03-02T14:00:00+00:00", request_id, 2)

    rows, _ = labelled_rows(log)

    assert [row.request_id for row in rows] == ["1", "3"]


def test_lines_that_cannot_be_read_are_counted_and_the_others_read(log: Path) -> None:
    label(log, "2026-03-02T14:00:00+00:00", "1", "Yes")
    with (log / "2026-03-01/server.jsonl").open("ab") as file:
        file.write(b'{"time":"2026-03-01T12\n\xff\xfe\n[]\n')
    with (log / "2026-03-02/other.feedback.jsonl").open("a") as file:
        file.write('{"time":"2026-03-01T12:00:00","request_id":"2","label":"no label of it"}\n7\n')

    rows, broken = labelled_rows(log)

    assert ([row.request_id for row in rows], broken) == (["1"], 4)


def test_a_log_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert labelled_rows(tmp_path / "nowhere") == ([], 0)


def test_a_label_that_is_older_than_the_answer_was_meant_for_another_row(log: Path) -> None:
    label(log, "2026-03-01T11:54:00+00:00", "1", "Yes")
    label(log, "2026-03-02T11:56:00+00:00", "2", "Yes")  # the clock of another server may be five minutes slow

    assert [row.request_id for row in labelled_rows(log)[0]] == ["2"]


def test_an_id_of_different_rows_has_no_label_and_of_the_same_row_the_later_answer_counts(log: Path) -> None:
    head = {"version": 3, "role": "production", "milliseconds": 1.0, "label": "No"}
    other = {"time": "2026-03-02T13:00:00+00:00", "request_id": "2", "inputs": {"x": 2}}
    write(log, "2026-03-02", "another.jsonl", head | other)
    again = {"time": "2026-03-01T11:00:00+00:00", "request_id": "1", "inputs": {"x": 1, "note": '"request_id":"9"'}}
    write(log, "2026-03-01", "zzz.jsonl", head | again)
    for number in "12":
        label(log, "2026-03-03T12:00:00+00:00", number, "Yes")

    (row,), _ = labelled_rows(log)

    assert (row.request_id, row.answered) == ("1", moment("2026-03-01T12:00"))


@pytest.mark.parametrize(
    "line",
    [
        '{"time":"2026-03-01T12:00:00+00:00","version":Infinity,"role":"production","request_id":"1","inputs":{}}',
        '{"time":"0001-01-01T00:00:00+14:00","version":3,"role":"production","request_id":"1","inputs":{}}',
        '{"time":"2999-01-01T00:00:00+00:00","version":3,"role":"production","request_id":"1","inputs":{}}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_odd_is_counted_and_stops_nothing(log: Path, line: str) -> None:
    for kind in ("odd.jsonl", "odd.feedback.jsonl"):
        (log / "2026-03-01" / kind).write_text(line + "\n")
    label(log, "2026-03-03T12:00:00+00:00", "1", "Yes")

    rows, broken = labelled_rows(log)

    assert [row.request_id for row in rows] == ["1"]
    assert broken == 2
