"""Output that is complete or absent: written to a staging folder, then swapped with the previous one in a single step.

scores/.lock-2026-11-25             held by the run that writes this date
scores/.staging-2026-11-25-.../     what that run has written so far; readers ignore names that begin with a dot
scores/date=2026-11-25/             the last complete run
scores/.old-2026-11-25-.../         the run before it, for readers that still have it open; the next run removes it
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
MARKER_COLUMN = "model_version"  # a column that every file written by `score` has
LEFTOVER = re.compile(r"\.(?:staging|old)-(\d{4}-\d{2}-\d{2})-\w+")
NOTHING_WRITTEN = "nothing was written"


def partition(output: str | Path, date: str) -> Path:
    """Return the folder that holds a date's output."""
    return Path(output) / f"{DATE}={date}"


@contextmanager
def staged_output(output: str, date: str) -> Iterator[tuple[Path, Path]]:
    """Yield two staging folders, for scores and for quarantined rows; they become the date's output if the block succeeds.

    Raises:
        RefusedError: another run is writing this date.
        ConfigError: a folder cannot be created, or the existing output was not written by `score`.
    """
    from filelock import FileLock, Timeout

    roots = [Path(output), Path(output + QUARANTINE)]
    for root in roots:
        _make_folder(root)
        check_written_by_score(partition(root, date))
    try:
        with FileLock(roots[0] / f".lock-{date}", timeout=0, mode=0o644):
            _remove_leftovers(roots, date)
            staging = [root / f".staging-{date}-{uuid4().hex[:12]}" for root in roots]
            try:
                for folder in staging:
                    folder.mkdir()
                yield staging[0], staging[1]
                for folder in staging:
                    _flush_to_disk(folder)
                # Scores last: until they are replaced, readers see the previous run.
                for folder, root in reversed(list(zip(staging, roots, strict=True))):
                    _replace(partition(root, date), folder)
            finally:
                for folder in staging:
                    shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        raise RefusedError(
            f"{partition(output, date)}: another run is writing it: wait for it to finish, or name another --output or --as-of"
        ) from None


def check_no_overlap(source: str, output: str) -> None:
    """Raise ConfigError if the input lies inside the output or the output inside the input."""
    read = Path(source).resolve()
    for written in (Path(output).resolve(), Path(output + QUARANTINE).resolve()):
        if read.is_relative_to(written) or written.is_relative_to(read):
            raise ConfigError(f"--input {source} and {written} overlap: name another --output")


def check_written_by_score(folder: Path) -> None:
    """Raise ConfigError if a date's folder exists and `score` did not write it."""
    import pyarrow as arrow
    import pyarrow.parquet

    if not folder.is_symlink() and not folder.exists():
        return
    recognised = folder.is_dir() and not folder.is_symlink()
    try:
        files = folder.glob("*.parquet") if recognised else ()
        recognised = recognised and all(MARKER_COLUMN in arrow.parquet.read_schema(file).names for file in files)
    except (arrow.ArrowException, OSError):
        recognised = False
    if not recognised:
        raise ConfigError(f"{folder} was not written by `score`: move it away, or name another --output")


def _remove_leftovers(roots: list[Path], date: str) -> None:
    """Remove what killed runs left behind and what later runs replaced, except for a date that is being written now."""
    from filelock import FileLock, Timeout

    for path in [path for root in roots for path in root.iterdir()]:
        if match := LEFTOVER.fullmatch(path.name):
            other_date = match[1] != date  # this run already holds the lock of its own
            lock = FileLock(roots[0] / f".lock-{match[1]}", timeout=0, mode=0o644) if other_date else nullcontext()
            try:
                with lock:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            except Timeout:
                continue


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be created: {error.strerror}; name another --output") from None


def _flush_to_disk(folder: Path) -> None:
    """Make sure the files are on disk before they replace the previous ones, and drop Spark's checksum files."""
    for path in folder.iterdir():
        if path.suffix == ".crc":
            path.unlink()
            continue
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _replace(target: Path, staged: Path) -> None:
    """Move a staged folder to its target; if the target exists, swap the two, so that there is no moment without one."""
    if not target.exists():
        staged.rename(target)
        return
    try:
        _swap(staged, target)
        staged.rename(staged.with_name(staged.name.replace("staging", "old", 1)))
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise
        raise ConfigError(
            f"{target} cannot be replaced in one step on its filesystem: remove it first, or name another --output"
        ) from None


def _swap(left: Path, right: Path) -> None:
    """Swap two folders atomically: renameat2 on Linux, renamex_np on macOS, neither of which Python exposes."""
    libc = ctypes.CDLL(None, use_errno=True)
    left_path, right_path = os.fsencode(left.absolute()), os.fsencode(right.absolute())
    if sys.platform == "darwin":
        failed = libc.renamex_np(left_path, right_path, 2)
    else:
        failed = libc.renameat2(-100, left_path, -100, right_path, 2)
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
