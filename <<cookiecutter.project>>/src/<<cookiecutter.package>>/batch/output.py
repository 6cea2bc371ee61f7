"""Output that is complete or absent: written aside, then put in place of the old one in a single step.

scores/.lock-2026-11-25             held by the run that writes this date
scores/.staging-2026-11-25-.../     what it has written so far; readers pass over what begins with a dot
scores/date=2026-11-25/             the last complete run
"""

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from << cookiecutter.package >>.errors import ConfigError, RefusedError

QUARANTINE, DATE = "_quarantine", "date"
NOTHING = "nothing was written"


def partition(output: str | Path, date: str) -> Path:
    return Path(output) / f"{DATE}={date}"


@contextmanager
def writing(output: str, date: str) -> Iterator[tuple[Path, Path]]:
    """Yield two folders, for scores and for rows in quarantine; they become the date's if the block succeeds.

    Raises RefusedError if another run writes this date.
    """
    from filelock import FileLock, Timeout

    roots = [Path(output), Path(output + QUARANTINE)]
    for root in roots:
        _make(root)
    try:
        with FileLock(roots[0] / f".lock-{date}", timeout=0, mode=0o644):
            stale = [path for root in roots for path in root.glob(f".staging-{date}-*")]  # of runs that were killed
            staging = [root / f".staging-{date}-{uuid4().hex[:12]}" for root in roots]
            try:
                for path in stale:
                    shutil.rmtree(path)
                for path in staging:
                    path.mkdir()
                yield staging[0], staging[1]
                for path in staging:
                    _settle(path)
                # The scores last: as long as they are the old ones, so is what the run has to show.
                for path, root in reversed(list(zip(staging, roots, strict=True))):
                    _put(path, partition(root, date))
            finally:
                for path in staging:
                    shutil.rmtree(path, ignore_errors=True)
    except Timeout:
        raise RefusedError(
            f"{partition(output, date)}: another run is writing it: wait for it, or name another --output or --as-of"
        ) from None


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{root}: cannot be made: {error.strerror}; name another --output") from None


def _settle(folder: Path) -> None:
    """Have the disk hold what was written before it takes the old one's place, and drop Spark's checksum files."""
    for path in folder.iterdir():
        if path.suffix == ".crc":
            path.unlink()
            continue
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _put(new: Path, place: Path) -> None:
    """Put a folder in the place of another, or where none is, so that there is no moment without one."""
    if not place.exists():
        new.rename(place)
        return
    try:
        _exchange(new, place)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise
        raise ConfigError(
            f"{place} cannot be replaced in one step on its filesystem: remove it first, or name another --output"
        ) from None


def _exchange(one: Path, other: Path) -> None:
    """Swap two folders in one step: renameat2 of Linux, renamex_np of macOS, which Python does not have."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, there = os.fsencode(one.absolute()), os.fsencode(other.absolute())
    if sys.platform == "darwin":
        failed = libc.renamex_np(here, there, 2)
    else:
        failed = libc.renameat2(-100, here, -100, there, 2)
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
