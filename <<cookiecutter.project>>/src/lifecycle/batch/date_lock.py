"""A lock that one run has on a date of an output, held by the operating system: a dead run holds none."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class LockedError(Exception):
    """Another run has the lock."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on a file, which is there only meanwhile. Raises LockedError at once if another process holds it."""
    descriptor = _acquired(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before the lock is released: afterwards it may be another run's
        os.close(descriptor)


def _acquired(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise LockedError from None
        except OSError:
            os.close(descriptor)
            raise
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)  # the run that held it has removed the file since it was opened: this locks nothing
