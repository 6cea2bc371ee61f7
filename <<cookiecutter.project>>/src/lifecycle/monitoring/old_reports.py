"""Reports that are removed because there are enough later ones, unless the rule may still need them."""

import datetime
import re
import shutil
from collections import defaultdict
from pathlib import Path

from lifecycle.monitoring.summary import Summary

NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)-\d+[smhdw](.*)")


def remove(reports: Path, present: Summary, keep: int | None, windows: int) -> list[Path]:
    """Remove all but the latest reports of each role, and return the folders of those that were removed.

    A report also stays if the status of the present window rests on it, or if a window that follows soon may rest on it.

    Args:
        reports: the folder of the reports.
        present: the summary that was just written.
        keep: how many reports of a role stay; None: all.
        windows: how many windows the rule looks at.
    """
    if keep is None:
        return []
    length = present.window.until - present.window.since
    needed = {_second(datetime.datetime.fromisoformat(window.until)) for window in present.history}
    by_role: dict[str, list[tuple[datetime.datetime, Path]]] = defaultdict(list)
    for path in reports.iterdir():
        if path.is_dir() and (match := NAME.fullmatch(path.name)):
            until = datetime.datetime.strptime(match[1], "%Y-%m-%dT%H-%M-%SZ").replace(tzinfo=datetime.UTC)
            by_role[match[2]].append((until, path))
    removed = [
        path
        for of_role in by_role.values()
        for until, path in sorted(of_role)[:-keep]
        if until not in needed and until < present.window.until - windows * length
    ]
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)
    return removed


def _second(time: datetime.datetime) -> datetime.datetime:
    """As the name of a folder has it."""
    return time.replace(microsecond=0)
