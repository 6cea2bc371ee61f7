"""A range of dates, scored by a process as `score` starts it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from lifecycle.batch import object_store
from lifecycle.batch.date_folders import dated_folders
from lifecycle.batch.job import Job
from lifecycle.batch.overlay import overlay
from lifecycle.core.errors import ConfigError
from machinery.batch.known import with_known_rows

DAYS = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")
COMMAND = [sys.executable, "-P", "-m", "lifecycle.batch.process"]


@pytest.fixture
def job(logged: Path, table: pd.DataFrame, tmp_path: Path) -> Job:
    """A job for four dates: one has a row that breaks the contract, one has no folder."""
    for day, rows in zip(DAYS, (table[:10], table[10:30].assign(tenure=-1), None, table[30:60]), strict=True):
        if rows is not None:
            (tmp_path / "in" / f"day={day}").mkdir(parents=True)
            rows.to_parquet(tmp_path / "in" / f"day={day}" / "rows.parquet", index=False)
    (tmp_path / "in/day=2026-04-01").mkdir()
    (tmp_path / "in/day=2026-04-01/damaged.parquet").touch()
    return Job(
        input=str(tmp_path / "in"), output=str(tmp_path / "scores"), engine="local", master=None, date=DAYS[0],
        active_since=None, alias="production", version=1, version_folder=str(logged), code_folder=str(overlay(logged, logged.parent)),
        started=0.0, scored_at="2026-03-01T00:00:00+00:00", max_bad_share=0.0, batch_rows=1000, dates=DAYS,
    )  # fmt: skip


def environment(job: Job) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{job.code_folder}:src"}


def run(job: Job) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, job.to_json()], env=environment(job), capture_output=True, text=True)


def rows(output: Path) -> dict[str, int]:
    """The number of rows in each partition of an output."""
    return {folder.name: len(pd.read_parquet(folder)) for folder in sorted(output.glob("date=*"))}


def test_each_date_is_scored_from_its_own_folder_and_those_that_fail_are_named(job: Job) -> None:
    done = run(job)

    assert done.returncode == 1
    assert rows(Path(job.output)) == {"date=2026-03-01": 10, "date=2026-03-04": 30}
    assert len(done.stdout.splitlines()) == 2
    broken, absent, last = done.stderr.splitlines()
    assert "error: 2026-03-02: " in broken
    assert "20 of 20 rows break the contract" in broken
    assert absent == f"error: 2026-03-03: {job.input} has no folder for it; nothing was written"
    assert last == "error: 2 of 4 dates were not scored: 2026-03-02, 2026-03-03"


def test_dates_that_are_there_already_are_replaced_and_those_that_fail_stay(job: Job, table: pd.DataFrame) -> None:
    run(replace(job, max_bad_share=1.0))
    table[:5].to_parquet(Path(job.input, "day=2026-03-01/rows.parquet"), index=False)
    table[:5].assign(tenure="x").to_parquet(Path(job.input, "day=2026-03-04/rows.parquet"), index=False)

    run(job)

    assert rows(Path(job.output)) == {"date=2026-03-01": 5, "date=2026-03-02": 0, "date=2026-03-04": 30}


def test_a_version_that_cannot_be_used_ends_the_run(job: Job, table: pd.DataFrame) -> None:
    known = Path(job.version_folder, "known_rows")
    for file in known.iterdir():
        file.unlink()
    known.rmdir()
    with_known_rows(Path(job.version_folder), table.head(20), error=0.25)

    done = run(job)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: 2026-03-01: version 1 (production) does not reproduce the predictions of evaluate")
    assert line.endswith("nothing was written; later dates were not tried")


def test_the_dates_of_a_range_come_from_a_store_and_their_scores_go_to_it(
    job: Job, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fsspec.config.conf, "file", {"auto_mkdir": True})  # as stores do
    there = replace(job, input=f"file://{job.input}", output=f"file://{tmp_path}/store/scores")

    code = object_store.score(there, Path(job.version_folder).parent, COMMAND, environment(job))

    printed = capfd.readouterr()
    assert code == 1
    assert rows(tmp_path / "store/scores") == {"date=2026-03-01": 10, "date=2026-03-04": 30}
    assert rows(tmp_path / "store/scores_quarantine") == {"date=2026-03-01": 0, "date=2026-03-04": 0}
    assert f"of {there.input}/day=2026-03-01, 0 quarantined; wrote {there.output}/date=2026-03-01" in printed.out
    assert f"error: 2026-03-03: {there.input} has no folder for it" in printed.err


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["part.parquet"], "a range of dates needs a folder for each date, such as date=2026-03-01, and it has none"),
        (["date=2026-03-01", "ds=2026-03-02"], r"has folders of several columns of dates \(date, ds\)"),
        (
            ["date=2026-02-01", "date=2026-02-09"],
            "no folder for a date from 2026-03-01 to 2026-03-04: its first is date=2026-02-01",
        ),
    ],
)
def test_a_table_without_the_dates_is_refused_in_one_line(names: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=f"in: .*{message}"):
        dated_folders("in", names, DAYS)
