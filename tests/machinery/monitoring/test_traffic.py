"""What is read of the log: the same sample whatever the order, and nothing that does not belong to it."""

import json
import random
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.times import Window
from lifecycle.monitoring.monitor import Options, logged
from lifecycle.monitoring.traffic import Traffic, Watched, collect
from lifecycle.prediction_log import labels
from lifecycle.prediction_log import reader as log_reader
from lifecycle.prediction_log.writer import FEEDBACK, REFUSED, Log
from machinery.monitoring import lab

WINDOW = Window(lab.UNTIL - lab.DAY, lab.UNTIL)
START = "2026-02-28T20:00:00+00:00"
TODAY = "2026-02-28"


@pytest.fixture
def rows(params: Params) -> pd.DataFrame:
    return lab.logged_rows(300, 7, lab.of_task(params, "binary"))


def read(log: Path | str, rows: pd.DataFrame, sample: int = 5000, labels: int = 1000) -> Traffic:
    schema = arrow.Schema.from_pandas(rows, preserve_index=False)
    return collect(Watched(log, "production", 4, schema), WINDOW, sample, labels)


def test_rows_come_back_as_the_reference_has_them(tmp_path: Path, rows: pd.DataFrame) -> None:
    Log(tmp_path).write(lab.lines(rows, START), TODAY)

    found = read(tmp_path, rows)

    assert (found.rows, found.other_versions, found.broken_lines) == (300, {}, 0)
    assert set(found.sample) == set(rows) - {"actual"}
    names = [name for name in rows if name != "actual"]
    expected, sampled = (
        frame[names].sort_values(["probability"]).reset_index(drop=True).astype(object)
        for frame in (rows, found.sample)
    )
    pd.testing.assert_frame_equal(expected.where(expected.notna(), None), sampled.where(sampled.notna(), None))


def test_a_sample_depends_on_no_order_and_is_the_same_every_time(
    tmp_path: Path, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = lab.lines(rows, START)
    Log(tmp_path / "first").write(lines, TODAY)
    random.Random(1).shuffle(lines)
    for some in (lines[:100], lines[100:]):
        Log(tmp_path / "second").write(some, TODAY)

    first = read(tmp_path / "first", rows, sample=50)
    monkeypatch.setattr(log_reader, "BLOCK", 5000)  # bytes: a few lines
    second = read(tmp_path / "second", rows, sample=50)

    assert (len(first.sample), second.rows) == (50, 300)
    pd.testing.assert_frame_equal(first.sample, second.sample)
    assert 0.3 < first.sample["probability"].mean() < 0.7  # no value decides on what is sampled


def test_rows_with_the_same_id_are_sampled_like_others(tmp_path: Path, rows: pd.DataFrame) -> None:
    lines = [line.replace(b'"r1', b'"r') for line in lab.lines(rows, START)]  # r10 to r19 are r0 to r9, too

    Log(tmp_path).write(
        [
            line.split(b'"request_id": ')[0]
            + b'"request_id": "same"'
            + line.partition(b'", "inputs"')[2].join([b', "inputs"', b""])
            for line in lines
        ],
        TODAY,
    )

    found = read(tmp_path, rows, sample=50)
    assert (found.rows, len(found.sample)) == (300, 50)


def test_other_versions_roles_and_times_are_not_mixed_in(tmp_path: Path, rows: pd.DataFrame) -> None:
    log = Log(tmp_path)
    log.write(lab.lines(rows.head(20), START), TODAY)
    log.write(lab.lines(rows.head(7), START, version=3, ids="old"), TODAY)
    log.write(lab.lines(rows.head(5), START, role="canary", ids="canary"), TODAY)
    log.write(lab.lines(rows.head(3), "2026-03-01T06:00:00+00:00", ids="late"), "2026-03-01")
    log.write(lab.lines(rows.head(2), "2026-02-28T05:59:00+00:00", ids="early"), TODAY)

    found = read(tmp_path, rows)

    assert (found.rows, len(found.sample), found.other_versions) == (20, 20, {3: 7})


def test_a_version_that_is_named_answered_as_a_canary_and_in_production(tmp_path: Path, rows: pd.DataFrame) -> None:
    """In the log of whichever alias it has now; what only compared it, a shadow, was given to nobody."""
    log = Log(tmp_path)
    for role, count in (("production", 20), ("canary", 30), ("shadow", 40), ("staging", 50)):
        log.write(lab.lines(rows.head(count), START, role=role, ids=role), TODAY)
        refused = {"time": START, "version": 4, "role": role, "rows": count, "mistakes": []}
        log.write([json.dumps(refused).encode() + b"\n"], TODAY, REFUSED)
    log.write(lab.lines(rows.head(7), START, version=3, role="canary", ids="other"), TODAY)
    table = arrow.Table.from_pandas(rows, preserve_index=False)

    by_options = {}
    for options in (Options(version=4), Options("staging", version=4), Options()):
        watched, read = logged(options, tmp_path, 4, table)
        found = read(WINDOW, 5000, 0)
        by_options[watched.role] = (found.rows, found.refused.rows, found.other_versions)

    assert by_options == {"version-4": (50, 50, {3: 7}), "staging-version-4": (50, 50, {}), "production": (20, 20, {})}


def test_lines_that_cannot_be_read_are_counted_and_the_others_read(tmp_path: Path, rows: pd.DataFrame) -> None:
    good = lab.lines(rows, START)
    wrong = [b"\x00\xffnonsense\n", b"[1]\n", b"\n", b'{"time": "yesterday"}\n', b'{"role": "production"}\n']
    wrong.append(good[0].replace(b'"r0"', b'"\xff\xfe"'))
    wrong.append(good[0].replace(b'"r0"', b'"odd"').replace(b'"inputs": {', b'"inputs": {"age": "forty", "a": {'))
    Log(tmp_path).write([*wrong[:3], *good[:150], *wrong[3:], *good[150:], good[0][:50]], TODAY)

    found = read(tmp_path, rows)

    assert (found.broken_lines, len(found.sample)) == (7, 300)


def test_labels_that_come_in_after_the_window_count_for_its_rows(tmp_path: Path, rows: pd.DataFrame) -> None:
    log = Log(tmp_path)
    log.write(lab.lines(rows, START), TODAY)
    log.write(lab.feedback({"r1": "a", "r2": "b"}, "2026-02-28T21:00:00+00:00"), TODAY, FEEDBACK)
    log.write(lab.feedback({"r2": "a", "r3": "b", "who": "b"}, "2026-03-20T00:00:00+00:00"), "2026-03-20", FEEDBACK)

    found = read(tmp_path, rows).labelled

    expected = rows.loc[[1, 2, 3], "probability"]
    assert dict(zip(found["probability"], found["actual"], strict=True)) == dict(
        zip(expected, ["a", "a", "b"], strict=True)
    )


def test_a_bounded_number_of_labels_is_kept_whichever_come_first(tmp_path: Path, rows: pd.DataFrame) -> None:
    log = Log(tmp_path)
    log.write(lab.lines(rows, START), TODAY)
    for name in range(300):
        log.write(lab.feedback({f"r{name}": 1, f"other{name}": True}, START), TODAY, FEEDBACK)

    found = read(tmp_path, rows, labels=20).labelled

    assert len(found) == 20
    assert set(found["actual"]) == {"1"}


def test_memory_depends_on_the_samples_and_not_on_the_traffic(
    tmp_path: Path, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if a client gives all rows the same id, which has a label."""
    monkeypatch.setattr(log_reader, "BLOCK", 100_000)  # bytes
    monkeypatch.setattr(labels, "PENDING", 100)
    peaks = []
    for repeats in (2, 40):
        log = Log(tmp_path / str(repeats))
        lines = [
            re.sub(rb'"request_id": "r(\d)\d*"', rb'"request_id": "same"', line) for line in lab.lines(rows, START)
        ]
        for _ in range(repeats):
            log.write(lines, TODAY)
        log.write(lab.feedback({"same": "a"}, "2026-03-01T00:00:00+00:00"), TODAY, FEEDBACK)
        read(log.folder, rows, sample=50)  # what is imported and cached on the way is not counted
        tracemalloc.start()
        assert read(log.folder, rows, sample=50).rows == 300 * repeats
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.5 * peaks[0]


def test_no_log_is_no_rows(tmp_path: Path, rows: pd.DataFrame) -> None:
    found = read(tmp_path / "nowhere", rows)

    assert (found.rows, len(found.sample), len(found.labelled)) == (0, 0, 0)
    assert "inputs.age" in found.sample


def test_a_log_may_lie_in_an_object_store(rows: pd.DataFrame) -> None:
    import fsspec

    store: Any = fsspec.filesystem("memory")
    with store.open(f"/bucket/log/{TODAY}/server.jsonl", "wb") as file:
        file.write(b"".join(lab.lines(rows, START)))

    assert read("memory://bucket/log", rows).rows == 300
    with pytest.raises(ConfigError, match="nowhere://bucket/log: cannot be read"):
        read("nowhere://bucket/log", rows)
