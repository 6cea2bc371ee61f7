"""Output that is complete or absent: written aside, then put in place of the old one in a single step.

scores/.lock-2026-11-25             held by the run that writes this date
scores/.staging-2026-11-25-.../     what it has written so far; readers pass over what begins with a dot
scores/date=2026-11-25/             the last complete run
scores/.old-2026-11-25-.../         the one before it, for whoever is reading it yet; the next run removes it
"""

import ctypes
import errno
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from uuid import uuid4

from lifecycle.core.errors import ConfigError, RefusedError

QUARANTINE, DATE = "_quarantine", "date"
OURS = "model_version"  # a column by which files of this project are known
LEFT = re.compile(r"\.(?:staging|old)-(\d{4}-\d{2}-\d{2})-\w+")
NOTHING = "nothing was written"


def partition(output: str | Path, date: str) -> Path:
    return Path(output) / f"{DATE}={date}"


@contextmanager
def writing(output: str, date: str) -> Iterator[tuple[Path, Path]]:
    """Yield two folders, for scores and for rows in quarantine; they become the date's if the block succeeds.

    Raises:
        RefusedError: another run writes this date.
        ConfigError: a folder cannot be made, or what is there was not written by this project.
    """
    from filelock import FileLock, Timeout

    roots = [Path(output), Path(output + QUARANTINE)]
    for root in roots:
        _make(root)
        check_ours(partition(root, date))
    try:
        with FileLock(roots[0] / f".lock-{date}", timeout=0, mode=0o644):
            _sweep(roots, date)
            staging = [root / f".staging-{date}-{uuid4().hex[:12]}" for root in roots]
            try:
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


def check_apart(source: str, output: str) -> None:
    """Raise ConfigError if what is read and what is written lie in each other: one would become the other."""
    read = Path(source).resolve()
    for written in (Path(output).resolve(), Path(output + QUARANTINE).resolve()):
        if read.is_relative_to(written) or written.is_relative_to(read):
            raise ConfigError(f"--input {source} and {written} lie in each other: name another --output")


def check_ours(place: Path) -> None:
    """Raise ConfigError if a date's folder is there and is not one that `score` has written."""
    import pyarrow as arrow
    import pyarrow.parquet

    if not place.is_symlink() and not place.exists():
        return
    ours = place.is_dir() and not place.is_symlink()
    try:
        files = place.glob("*.parquet") if ours else ()
        ours = ours and all(OURS in arrow.parquet.read_schema(file).names for file in files)
    except (arrow.ArrowException, OSError):
        ours = False
    if not ours:
        raise ConfigError(f"{place} was not written by `score`: move it away, or name another --output")


def _sweep(roots: list[Path], date: str) -> None:
    """Remove what runs have left behind that were killed, and what others have replaced; but not of a date being written now."""
    from filelock import FileLock, Timeout

    for path in [path for root in roots for path in root.iterdir()]:
        if found := LEFT.fullmatch(path.name):
            try:
                with (
                    FileLock(roots[0] / f".lock-{found[1]}", timeout=0, mode=0o644)
                    if found[1] != date
                    else nullcontext()
                ):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            except Timeout:
                continue


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
        new.rename(new.with_name(new.name.replace("staging", "old", 1)))
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
