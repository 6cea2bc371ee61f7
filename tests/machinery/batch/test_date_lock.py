"""The lock on a date: one holder at a time, and no file left behind."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.batch import date_lock
from lifecycle.batch.date_lock import LockedError, locked

HOLD_AND_DIE = """
import os, sys
from pathlib import Path
from lifecycle.batch.date_lock import locked
with locked(Path(sys.argv[1])):
    os._exit(9)
"""
# Each process adds to a counter without any care but the lock's.
COUNT = """
import sys
from pathlib import Path
from lifecycle.batch.date_lock import LockedError, locked
counter, done = Path(sys.argv[1]), 0
while done < 300:
    try:
        with locked(counter.with_name("lock")):
            counter.write_text(str(int(counter.read_text()) + 1))
            done += 1
    except LockedError:
        pass
"""


def test_a_second_holder_is_refused_and_the_file_is_there_only_meanwhile(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()
        with pytest.raises(LockedError), locked(tmp_path / "lock"):
            pass
        assert (tmp_path / "lock").exists()

    assert not list(tmp_path.iterdir())
    with locked(tmp_path / "lock"):
        pass


def test_the_file_of_a_process_that_died_is_no_lock(tmp_path: Path) -> None:
    died = subprocess.run(
        [sys.executable, "-c", HOLD_AND_DIE, str(tmp_path / "lock")], env=os.environ | {"PYTHONPATH": "src"}
    )
    assert died.returncode == 9
    assert (tmp_path / "lock").exists()

    with locked(tmp_path / "lock"):
        pass

    assert not list(tmp_path.iterdir())


def test_a_file_that_its_holder_removed_meanwhile_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = tmp_path / "lock", []

    def flock_after_another_run_has_ended(descriptor: int, operation: int) -> None:
        if not opened:
            path.unlink()
        opened.append(descriptor)
        fcntl.flock(descriptor, operation)

    monkeypatch.setattr(
        date_lock, "fcntl", type("Module", (), vars(fcntl) | {"flock": flock_after_another_run_has_ended})
    )

    with locked(path):
        assert len(opened) == 2
        assert path.exists()


def test_processes_in_a_race_never_hold_it_together(tmp_path: Path) -> None:
    (tmp_path / "counter").write_text("0")
    command = [sys.executable, "-c", COUNT, str(tmp_path / "counter")]
    processes = [subprocess.Popen(command, env=os.environ | {"PYTHONPATH": "src"}) for _ in range(3)]

    codes = [process.wait(120) for process in processes]

    assert codes == [0, 0, 0]
    assert (tmp_path / "counter").read_text() == "900"
    assert not (tmp_path / "lock").exists()
