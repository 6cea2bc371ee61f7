"""The report of a window: what is to be seen, what was found, and the verdict, which rests on earlier reports as well."""

from collections.abc import Sequence
from pathlib import Path

from lifecycle.core.files import write_json, write_text
from lifecycle.monitoring import alarm_rule as rule
from lifecycle.monitoring import drift_page as drawing
from lifecycle.monitoring import folder, history, render
from lifecycle.monitoring.drift import Compared
from lifecycle.monitoring.history import Summary
from lifecycle.monitoring.settings import Monitoring
from lifecycle.monitoring.window import Window

PRODUCTION = "production"
PAGE, TEXT = "drift.html", "summary.md"


def publish(summary: Summary, compared: Sequence[Compared], window: Window, wanted: Monitoring) -> tuple[Summary, Path]:
    """Write drift.html, summary.json and summary.md; return the summary with its verdict, and the folder they are in.

    `compared` is empty if there were too few rows: then there is nothing to draw, and no verdict.
    """
    with folder.new() as making:
        if compared:
            title = f"{summary['model']} version {summary['version']}: the window beside the reference"
            said = summary["alarms"] or ["No alarm in this window."]
            drawing.draw(compared, title, [render.headline(summary), *said], making / PAGE)
        with folder.locked():
            before = history.earlier(folder.REPORTS, summary, wanted.rule.windows - 1)
            if compared:
                summary = rule.decided(summary, before, wanted.rule)
            else:
                summary = rule.undecided(summary, before, wanted.window.min_rows)
            write_json(summary, making / history.SUMMARY)
            write_text(render.markdown(summary), making / TEXT)
            role = "" if summary["role"] == PRODUCTION else f"-{summary['role']}"
            place = folder.REPORTS / f"{window.name}{role}"
            folder.put(making, place)
    return summary, place
