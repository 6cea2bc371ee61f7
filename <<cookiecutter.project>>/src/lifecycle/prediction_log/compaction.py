"""Days of the prediction log that are over, as Parquet; and those that have been kept long enough, removed.

A Parquet file appears as a whole and names the files that it was made of, and those are removed afterwards. So a compaction that is
killed leaves the old files, or the new one with some of the old ones that readers pass over, and the next one finishes it.
"""

import datetime
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lifecycle.core.errors import RefusedError
from lifecycle.prediction_log import compacted_day
from lifecycle.prediction_log.compacted_day import window_of
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS, REFUSED

DAY = datetime.timedelta(days=1)
MARGIN = datetime.timedelta(hours=1)  # after the end of a day, until which a server that is late may write to it
LOCK, REMOVED = ".lock", ".removed-"
UNFINISHED = "*/.*.unfinished"


@dataclass
class Compaction:
    """What was done."""

    lines: int = 0
    files: int = 0
    """Of JSON lines, that are in Parquet now."""
    bytes_before: int = 0
    """Of these files, not compressed."""
    bytes_after: int = 0
    removed: list[str] = field(default_factory=list)
    """Days."""
    problems: list[str] = field(default_factory=list)
    """Why what could not be compacted stays as it is."""


def compact(log: Path, keep_days: int | None, moment: datetime.datetime) -> Compaction:
    """Write the days that are over to Parquet, and remove those that are more than `keep_days` ago (None: none).

    Raises RefusedError if another process changes the log.
    """
    done = Compaction()
    with changing(log):
        for folder in day_folders(log):
            start = window_of(folder).since
            if keep_days is not None and start.date() < moment.date() - keep_days * DAY:
                _remove(folder)
                done.removed.append(folder.name)
            elif moment >= start + DAY + MARGIN:
                _compact_day(folder, done)
    return done


@contextmanager
def changing(log: Path) -> Iterator[None]:
    """Keep others from changing the log, and remove what those that were killed have left unfinished.

    Raises RefusedError if another process is changing it.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(log / LOCK, timeout=0):
            for path in log.glob(UNFINISHED):
                path.unlink()
            for path in log.glob(f"{REMOVED}*"):
                shutil.rmtree(path)
            yield
    except Timeout:
        raise RefusedError(f"{log}: another process is changing the log: wait until it ends") from None


def day_folders(log: Path) -> list[Path]:
    """Return the folders of days, the earliest first; whatever else is there is somebody else's."""
    return sorted(path for path in log.iterdir() if path.is_dir() and _is_day(path.name))


def _compact_day(folder: Path, done: Compaction) -> None:
    for kind in (PREDICTIONS, FEEDBACK, REFUSED):
        try:
            day = compacted_day.compact(folder, kind)
        except OSError as error:
            done.problems.append(str(error))
            continue
        done.lines += day.lines
        done.files += day.files
        done.bytes_before += day.bytes_before
        done.bytes_after += day.bytes_after


def _is_day(name: str) -> bool:
    try:
        return datetime.date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _remove(folder: Path) -> None:
    """Remove a day in one step, so that no reader sees a part of it."""
    gone = folder.with_name(f"{REMOVED}{folder.name}")
    folder.rename(gone)
    shutil.rmtree(gone)
