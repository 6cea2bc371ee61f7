"""The folder of a window's report: there as a whole, or not at all, also if two monitors write it at once."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from lifecycle.core.errors import ConfigError

REPORTS = Path("reports/monitoring")
LONGEST = 60.0  # seconds that another monitor is waited for, which only writes


@contextmanager
def locked(reports: Path = REPORTS) -> Iterator[None]:
    """Let nobody else read and write reports meanwhile: a verdict rests on those that are there."""
    try:
        reports.mkdir(parents=True, exist_ok=True)
        with FileLock(reports / ".lock", timeout=LONGEST):
            yield
    except OSError as error:  # a lock that takes too long is one as well
        raise ConfigError(f"{reports}: the report cannot be written: {error}") from None


@contextmanager
def new(reports: Path = REPORTS) -> Iterator[Path]:
    """Yield an empty folder for a report that is being made. It is gone in the end, unless `put` has taken it."""
    reports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=reports, prefix=".making-") as temporary:
        making = Path(temporary) / "report"
        making.mkdir()
        yield making


def put(making: Path, place: Path) -> None:
    """Put a report in its place. One that was there goes: it was of the same window."""
    if place.exists():
        place.rename(making.with_name("before"))
    making.rename(place)
    shutil.rmtree(making.with_name("before"), ignore_errors=True)
