"""A report is there as a whole, or not at all; and the window's name says when it was."""

import datetime
import threading
from pathlib import Path

import pytest
from machinery.monitoring import lab

from lifecycle.core.errors import ConfigError
from lifecycle.monitoring import folder
from lifecycle.core.times import Window, window


def test_a_report_that_is_not_finished_leaves_nothing_but_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "window").mkdir()
    (tmp_path / "window" / "summary.json").write_text("old")

    def fail() -> None:
        with folder.new(tmp_path) as making:
            (making / "summary.json").write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert [path.read_text() for path in tmp_path.rglob("*.json")] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["window"]


def test_two_monitors_at_once_leave_one_whole_report(tmp_path: Path) -> None:
    def monitor(name: str) -> None:
        for _ in range(20):
            with folder.new(tmp_path) as making:
                for part in ("summary.json", "summary.md", "drift.html"):
                    (making / part).write_text(name)
                with folder.locked(tmp_path):
                    folder.put(making, tmp_path / "window")

    threads = [threading.Thread(target=monitor, args=(name,)) for name in ("one", "other", "third")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {path.name for path in tmp_path.iterdir()} == {"window", ".lock"}
    assert len(list((tmp_path / "window").iterdir())) == 3
    assert len({path.read_text() for path in (tmp_path / "window").iterdir()}) == 1


@pytest.mark.parametrize(
    ("days", "name"), [(1, "1d"), (7, "1w"), (1.5, "36h"), (0.0625, "90m"), (1 + 1 / 86400, "86401s")]
)
def test_a_window_is_named_by_its_end_and_length(days: float, name: str) -> None:
    assert Window(lab.UNTIL - days * lab.DAY, lab.UNTIL).name == f"2026-03-01T06-00-00Z-{name}"


@pytest.mark.parametrize(
    ("since", "until", "start", "end"),
    [
        (None, None, "2026-02-28T06:00", "2026-03-01T06:00"),
        ("2026-02-01", None, "2026-02-01T00:00", "2026-03-01T06:00"),
        (None, "2026-02-20T12:00", "2026-02-19T12:00", "2026-02-20T12:00"),
        ("2026-02-01T01:00+01:00", "2026-02-02", "2026-02-01T00:00", "2026-02-02T00:00"),
    ],
)
def test_a_window_may_be_given_by_either_end(since: str | None, until: str | None, start: str, end: str) -> None:
    found = window(since, until, "1d", lab.UNTIL)

    assert [f"{moment:%Y-%m-%dT%H:%M}" for moment in (found.since, found.until)] == [start, end]
    assert found.since.tzinfo == datetime.UTC


@pytest.mark.parametrize(
    ("since", "until", "length", "said"),
    [
        ("2026-02-02", "2026-02-01", "1d", "the window is empty"),
        (None, "2026-04-01", "1d", "which is not over yet"),
        ("yesterday", None, "1d", "'yesterday' is no time"),
        ("0001-01-01T00:00+14:00", None, "1d", "is no time"),
        (None, "0001-01-02", "1w", "date value out of range"),
        (None, None, "1 day", "'1 day' is no length of time"),
    ],
)
def test_a_window_that_is_none_is_refused(since: str | None, until: str | None, length: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        window(since, until, length, lab.UNTIL)
