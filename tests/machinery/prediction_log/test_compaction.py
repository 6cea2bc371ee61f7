"""A log in Parquet gives the rows that it gave in JSON lines, whatever is in it and whenever its compaction is killed."""

import datetime
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifecycle.core.errors import RefusedError
from lifecycle.prediction_log import reader
from lifecycle.prediction_log.compaction import changing, compact
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS, REFUSED, Log
from machinery.prediction_log.log_lines import ALWAYS, KINDS, MIDNIGHT, OVER, answer, everything, files, label, refusal

DAY = datetime.timedelta(days=1)


def small_log(log: Path) -> None:
    for number in range(3):
        server = Log(log)
        server.write([answer(10 * number + place) for place in range(5)], "2026-01-31")
        server.write([label(10 * number), label(10 * number + 1, 1)], "2026-01-31", FEEDBACK)
        server.write([refusal(number)], "2026-01-31", REFUSED)
        server.close()


def test_a_day_that_is_over_is_one_file_a_kind_with_the_same_rows(tmp_path: Path) -> None:
    small_log(tmp_path)
    before = everything(tmp_path)

    done = compact(tmp_path, None, OVER)

    assert (done.lines, done.files, done.problems) == (24, 9, [])
    assert everything(tmp_path) == before
    assert len(before["answers"]) == 15
    names = files(tmp_path)
    assert len(names) == 3
    assert all(name.endswith(".parquet") for name in names)
    assert (compact(tmp_path, None, OVER).files, files(tmp_path)) == (0, names)


def test_a_day_that_may_still_be_written_to_stays_as_it_is(tmp_path: Path) -> None:
    small_log(tmp_path)
    before = files(tmp_path)

    assert compact(tmp_path, None, OVER - datetime.timedelta(seconds=1)).files == 0
    assert files(tmp_path) == before


def test_what_a_late_server_adds_is_compacted_the_next_time(tmp_path: Path) -> None:
    small_log(tmp_path)
    late = Log(tmp_path)
    late.write([answer(90)], "2026-01-31")
    compact(tmp_path, None, OVER)
    late.write([answer(91)], "2026-01-31")
    assert everything(tmp_path)["answers"] != []

    compact(tmp_path, None, OVER)

    ids = sorted(line["request_id"] for line in map(json.loads, everything(tmp_path)["lines"]) if "inputs" in line)
    assert {"r90", "r91"} <= set(ids)
    assert len(ids) == len(set(ids)) == 17
    assert not list(tmp_path.glob("*/*.jsonl"))


def test_compressed_lines_are_read_and_compacted_and_the_copy_that_gzip_is_making_is_passed_over(
    tmp_path: Path,
) -> None:
    small_log(tmp_path)
    before = everything(tmp_path)
    first, second, *_ = sorted(tmp_path.glob("*/*.jsonl"))
    for path in (first, second):
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
    first.unlink()
    Path(f"{second}.gz").write_bytes(Path(f"{second}.gz").read_bytes()[:20])

    assert everything(tmp_path) == before
    assert compact(tmp_path, None, OVER).problems == []
    assert everything(tmp_path) == before
    assert all(name.endswith(".parquet") for name in files(tmp_path))


def test_a_copy_that_gzip_finishes_after_its_original_was_compacted_is_not_read_twice(tmp_path: Path) -> None:
    small_log(tmp_path)
    before = everything(tmp_path)
    original = min(tmp_path.glob("*/*.jsonl"))
    copy, content = Path(f"{original}.gz"), gzip.compress(original.read_bytes())
    compact(tmp_path, None, OVER)
    copy.write_bytes(content)

    assert everything(tmp_path) == before
    compact(tmp_path, None, OVER)
    assert everything(tmp_path) == before
    assert not copy.exists()


def test_an_older_copy_beside_the_parquet_file_as_a_store_may_have_it_is_not_read_twice(tmp_path: Path) -> None:
    small_log(tmp_path)
    before = everything(tmp_path)
    copies = {path: path.read_bytes() for path in tmp_path.glob("*/*.jsonl")}
    compact(tmp_path, None, OVER)
    for path, content in copies.items():
        path.write_bytes(content[: content.index(b"\n") + 9])

    assert everything(tmp_path) == before


def test_a_damaged_file_is_named_and_its_day_stays_while_the_others_are_compacted(tmp_path: Path) -> None:
    small_log(tmp_path)
    damaged = tmp_path / "2026-01-31/odd.jsonl.gz"
    damaged.write_bytes(gzip.compress(answer(50) * 100)[:-20])
    Log(tmp_path).write([answer(60)], "2026-01-30")

    done = compact(tmp_path, None, OVER)

    assert len(done.problems) == 1
    assert str(damaged) in done.problems[0]
    assert damaged.exists()
    assert not list(tmp_path.glob("2026-01-30/*.jsonl"))
    assert not list(tmp_path.glob("*/.*"))


def test_days_past_their_time_go_with_labels_and_refusals_and_nothing_else_does(tmp_path: Path) -> None:
    for day in ("2026-01-28", "2026-01-29", "2026-01-30", "2026-02-30", "notes"):
        Log(tmp_path).write([answer(1)], day)
        Log(tmp_path).write([label(1)], day, FEEDBACK)
        Log(tmp_path).write([refusal(1)], day, REFUSED)

    done = compact(tmp_path, 2, MIDNIGHT)

    assert done.removed == ["2026-01-28"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [
        "2026-01-29",
        "2026-01-30",
        "2026-02-30",
        "notes",
    ]


def test_a_reader_that_has_begun_with_a_day_reads_it_to_its_end(tmp_path: Path) -> None:
    small_log(tmp_path)
    expected = sum(len(block.rows) for block in reader.answers(tmp_path, ALWAYS))
    blocks = reader.answers(tmp_path, ALWAYS)
    count = len(next(blocks).rows)

    compact(tmp_path, None, OVER)
    assert count + sum(len(block.rows) for block in blocks) == expected

    blocks = reader.answers(tmp_path, ALWAYS)
    compact(tmp_path, 1, OVER + 9 * DAY)
    assert sum(len(block.rows) for block in blocks) == 0


@pytest.mark.parametrize("compacted", [False, True])
def test_a_log_in_a_store_is_read_in_every_form(tmp_path: Path, compacted: bool) -> None:
    small_log(tmp_path)
    if compacted:
        compact(tmp_path, None, OVER)
    else:
        for path in tmp_path.glob("*/*.jsonl"):
            Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    store = fsspec.filesystem("memory")
    store.put(str(tmp_path), f"/log-{compacted}", recursive=True)

    assert everything(f"memory://log-{compacted}") == everything(tmp_path)


def test_only_one_process_changes_the_log(tmp_path: Path) -> None:
    with changing(tmp_path), pytest.raises(RefusedError, match="another process is changing the log"):
        compact(tmp_path, None, OVER)


class Killed(BaseException):
    """From then on the process does nothing any more."""


@contextmanager
def killed_at(step: int) -> Iterator[list[str]]:
    """End a process, for what it does to files, at its n-th step: nothing is cleaned up. Yields the steps that were taken."""
    taken: list[str] = []

    def stopping(name: str, function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if len(taken) >= step:
                raise Killed
            taken.append(name)
            return function(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((os, "replace"), (os, "fsync"), (os, "unlink"), (Path, "unlink"), (Path, "rename")):
            patch.setattr(owner, name, stopping(name, getattr(owner, name)))
        patch.setattr(shutil, "rmtree", stopping("rmtree", shutil.rmtree))
        yield taken


LINES = {
    PREDICTIONS: st.one_of(
        st.integers(0, 8).map(answer),
        st.integers(0, 8).map(lambda number: answer(number, role="shadow", inputs={"x": 1})),
        st.sampled_from([b"\n", b"{\n", b"\x00\xff\n", b'{"time": 1}\n', answer(1)[:40] + b"\n"]),
    ),
    FEEDBACK: st.one_of(st.builds(label, st.integers(0, 8), st.sampled_from(["No", 1, True])), st.just(b"[\n")),
    REFUSED: st.one_of(st.integers(0, 8).map(refusal), st.just(b"{}\n")),
}
FILE = st.sampled_from(KINDS).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(LINES[kind], max_size=6), st.booleans(), st.booleans())
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=st.lists(FILE, min_size=1, max_size=5), step=st.integers(0, 25), again=st.integers(0, 25))
def test_no_kill_loses_or_doubles_a_line(
    written: list[tuple[str, list[bytes], bool, bool]], step: int, again: int
) -> None:
    """Nor two of them; and the next run that is left alone finishes the work."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder)
        (log / "2026-01-31").mkdir()
        for number, (kind, lines, compressed, whole) in enumerate(written):
            content = b"".join(lines) if whole else b"".join(lines)[:-1]
            path = log / "2026-01-31" / f"server{number}.{kind}{'.gz' if compressed else ''}"
            path.write_bytes(gzip.compress(content) if compressed else content)
        before = everything(log)
        for kill in (step, again):
            with killed_at(kill), suppress(Killed):
                compact(log, None, OVER)
            assert everything(log) == before

        compact(log, None, OVER)

        assert everything(log) == before
        assert not list(log.glob("*/*.jsonl*"))
        assert not list(log.glob("*/.*"))


def test_a_log_whose_compaction_is_really_killed_is_whole(tmp_path: Path) -> None:
    """At some moment, by SIGKILL, again and again until a run comes to its end."""
    for day in range(1, 15):
        for _ in range(3):
            server = Log(tmp_path)
            server.write([answer(number + 1000 * day) for number in range(200)], f"2026-01-{day:02d}")
            server.close()
    ids = sorted(json.loads(line)["request_id"] for line in everything(tmp_path)["lines"])
    code = (
        "import datetime, sys; from pathlib import Path; from lifecycle.prediction_log.compaction import compact\n"
        "print('ready', flush=True); compact(Path(sys.argv[1]), None, datetime.datetime.fromisoformat(sys.argv[2]))"
    )
    killed = 0
    for milliseconds in (60, 5000):
        command = [sys.executable, "-c", code, str(tmp_path), OVER.isoformat()]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": "src"}) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            deadline = time.monotonic() + milliseconds / 1000
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
        assert sorted(json.loads(line)["request_id"] for line in everything(tmp_path)["lines"]) == ids

    assert killed
    assert process.returncode == 0
    assert not list(tmp_path.glob("*/*.jsonl"))
