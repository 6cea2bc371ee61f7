"""The report of a window, in a folder of its own: there as a whole, or not at all, also if two monitors write it at once."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from lifecycle.core.errors import ConfigError, ProjectError
from lifecycle.core.files import write_json, write_text
from lifecycle.monitoring import alarm_rule, old_reports, summary_format
from lifecycle.monitoring.drift import Compared
from lifecycle.monitoring.settings import Monitoring
from lifecycle.monitoring.summary import Summary

REPORTS = Path("reports/monitoring")
PAGE, TEXT = "drift.html", "summary.md"
Draw = Callable[[Sequence[Compared], str, Sequence[str], Path], None]
"""Takes what `drift_page.draw` takes. Raises a ProjectError if the page cannot be drawn."""
LOCK_SECONDS = 60.0  # another monitor holds the lock only while it writes


def publish(summary: Summary, compared: Sequence[Compared], settings: Monitoring, draw: Draw) -> tuple[Summary, Path]:
    """Write drift.html, summary.json and summary.md; return the summary with its status, and the folder.

    Args:
        summary: without a status.
        compared: empty if too few rows were answered: then there is nothing to draw, and the status is undecided unless there is an alarm.
        settings: of monitoring.yaml.
        draw: writes the page.
    """
    with unfinished() as folder:
        if compared:
            title = f"{summary.model} version {summary.version}: the window compared with the reference"
            text = [*summary_format.unsaid(summary), *(summary.alarms or ["No alarm in this window."])]
            try:
                draw(compared, title, [summary_format.headline(summary), *text], folder / PAGE)
            except ProjectError as error:  # the verdict does not rest on it
                (folder / PAGE).unlink(missing_ok=True)
                print(f"warning: {error}", file=sys.stderr)
        with locked():  # the status rests on the reports that are there
            earlier = alarm_rule.earlier_windows(REPORTS, summary, settings.rule.windows - 1)
            if compared or summary.alarms:
                summary = alarm_rule.decide(summary, earlier, settings.rule)
            else:
                summary = alarm_rule.undecided(summary, earlier, settings.window.min_rows)
            write_json(summary.to_json(), folder / alarm_rule.SUMMARY)
            write_text(summary_format.markdown(summary), folder / TEXT)
            role = "" if summary.role == "production" else f"-{summary.role}"
            place = REPORTS / f"{summary.window.name}{role}"
            put(folder, place)
            old_reports.remove(REPORTS, summary, settings.reports.keep, settings.rule.windows)
    return summary, place


@contextmanager
def locked(reports: Path = REPORTS) -> Iterator[None]:
    """Keep other monitors from reading and writing reports. Raises ConfigError if the lock is not free in time."""
    try:
        reports.mkdir(parents=True, exist_ok=True)
        with FileLock(reports / ".lock", timeout=LOCK_SECONDS):
            yield
    except OSError as error:  # also raised if the lock is not free in time
        raise ConfigError(f"{reports}: the report cannot be written: {error}") from None


@contextmanager
def unfinished(reports: Path = REPORTS) -> Iterator[Path]:
    """Yield an empty folder for a report. It is removed in the end, unless `put` has moved it."""
    reports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=reports, prefix=".unfinished-") as temporary:
        folder = Path(temporary) / "report"
        folder.mkdir()
        yield folder


def put(folder: Path, place: Path) -> None:
    """Move a report to its place. It replaces an earlier one of the same window."""
    if place.exists():
        place.rename(folder.with_name("before"))
    folder.rename(place)
    shutil.rmtree(folder.with_name("before"), ignore_errors=True)
