"""What is written to the prediction log comes out of it, whatever has happened to a file meanwhile."""

import datetime
import json
import os
from pathlib import Path

import pyarrow as arrow
import pytest

from lifecycle.core.times import Window
from lifecycle.prediction_log import labels
from lifecycle.prediction_log import reader as log_reader
from lifecycle.prediction_log.writer import FEEDBACK, Log, LogError

SINCE = datetime.datetime(2026, 1, 30, 12, tzinfo=datetime.UTC)
UNTIL = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
WINDOW = Window(SINCE, UNTIL)


def line(number: int, time: str = "2026-01-31T10:00:00.000+00:00", **more: object) -> bytes:
    record = {"time": time, "version": 3, "role": "production", "request_id": f"r{number}", "milliseconds": 1.5}
    record |= {"inputs": {"x": number}, "label": "Yes", "probability": 0.25} | more
    return json.dumps(record).encode() + b"\n"


def read(folder: Path) -> tuple[list[str], int]:
    found = list(log_reader.answers(folder, WINDOW))
    return sorted(name for block in found for name in block.rows["request_id"]), sum(block.broken for block in found)


def texts(lines: list[bytes]) -> tuple[list[str | None], list[int]]:
    """The labels of lines as text, and the places of the lines that can be read."""
    table, places = log_reader.with_label([line.rstrip(b"\n") for line in lines], log_reader.HEAD)
    return table["label"].to_pylist(), places


def test_what_was_written_is_read_of_the_window_alone(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write([line(1), line(2)], "2026-01-31")
    log.write([line(3, "2026-01-30T11:59:59.000+00:00"), line(4, "2026-01-30T12:00:01.000+00:00")], "2026-01-30")
    Log(tmp_path).write([line(5)], "2026-01-31")
    Log(tmp_path).write([line(6, "2026-02-01T00:00:00.000+00:00")], "2026-02-01")
    log.write(
        [b'{"time": "2026-01-31T10:00:00.000+00:00", "request_id": "r1", "label": "No"}\n'], "2026-01-31", FEEDBACK
    )

    assert read(tmp_path) == (["r1", "r2", "r4", "r5"], 0)


def test_lines_that_were_cut_or_garbled_are_counted_and_the_others_read(tmp_path: Path) -> None:
    Log(tmp_path).write([line(1), b"\x00\xffnonsense\n", b"[1]\n", line(2), line(3)[:40]], "2026-01-31")

    assert read(tmp_path) == (["r1", "r2"], 3)


@pytest.mark.parametrize("label", [1, True, 0.5])
def test_labels_that_are_not_texts_are_read_as_one(label: object) -> None:
    assert texts([line(1, label=label)]) == ([str(label)], [0])


def test_labels_of_several_kinds_are_read_and_what_only_looks_like_one_is_left_alone() -> None:
    lines = [line(1, label=True), line(2, label=-1.5), b"{", line(3, label='"label": 1'), line(4, inputs={"label": 7})]

    assert texts(lines) == (["True", "-1.5", '"label": 1', "Yes"], [0, 1, 3, 4])


@pytest.mark.parametrize(
    ("label", "unquoted", "value"),
    [("True", True, True), ("True", False, "True"), ("1", True, 1), ("1", False, "1"), ("1E2", True, 100.0)],
)
def test_a_label_is_given_back_as_it_was_in_json(label: str, unquoted: bool, value: object) -> None:
    found = labels.value(label, unquoted)

    assert (found, type(found)) == (value, type(value))


def test_the_heads_of_lines_are_those_of_the_whole_lines_whatever_is_in_them() -> None:
    """Also if one says in its id what a line has after its head, is cut short, or comes from somebody who writes otherwise."""
    odd = [
        line(2, request_id='a,"milliseconds":1}'),
        b'{"milliseconds":1,"inputs":{},"request_id":"r3"}\n',
        line(4)[:-9],
    ]
    lines = [part.rstrip(b"\n").replace(b": ", b":").replace(b", ", b",") for part in (line(1), *odd, line(5))]
    schema = arrow.schema([log_reader.HEAD.field(name) for name in ("version", "request_id")])

    for some in (lines[:1], lines[:2], lines[:3], lines):
        expected, places = log_reader.parse(some, schema)
        found = log_reader.heads(some, schema)
        assert (found[0].to_pylist(), list(found[1])) == (expected.to_pylist(), places)


def test_no_log_is_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "nowhere") == ([], 0)


def test_a_line_that_does_not_fit_on_the_disk_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path)
    log.write([line(1)], "2026-01-31")
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, content: write(file, content[:20]))
        with pytest.raises(LogError, match="cannot be written: the disk is full"):
            log.write([line(2)], "2026-01-31")

    log.write([line(3)], "2026-01-31")

    assert read(tmp_path) == (["r1", "r3"], 0)
