"""What earlier windows have said, from the summaries that lie there."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lifecycle.monitoring.window import Window

SUMMARY = "summary.json"
UNDECIDED = "undecided"
SAME = ("model", "version", "role", "log")
OVERLAP = 0.1  # of the shorter of two windows, up to which each counts: a schedule is not kept to the minute

Summary = dict[str, Any]


def earlier(folder: Path, present: Summary, windows: int) -> list[dict[str, Any]]:
    """Return of at most so many windows before the present one, oldest first, `until` and `alarm`.

    Those of the same version in the same role and log count that were decided. Of windows that overlap, the later one counts.
    """
    found: list[dict[str, Any]] = []
    later = window_of(present)
    for summary in sorted(_summaries(folder), key=lambda summary: window_of(summary).until, reverse=True):
        window = window_of(summary)
        same = all(summary.get(name) == present.get(name) for name in SAME)
        shorter = min(window.until - window.since, later.until - later.since)
        apart = window.until < later.until and window.overlap(later) <= OVERLAP * shorter
        if len(found) < windows and same and apart and summary["status"] != UNDECIDED:
            found.append({"until": summary["window"]["until"], "alarm": summary["alarms"] != []})
            later = window
    return found[::-1]


def window_of(summary: Summary) -> Window:
    return Window(*(datetime.datetime.fromisoformat(summary["window"][name]) for name in ("since", "until")))


def _summaries(folder: Path) -> Iterator[Summary]:
    """The summaries that can be read: one that somebody has spoilt says nothing."""
    for path in folder.glob(f"[0-9]*/{SUMMARY}"):
        try:
            summary = json.loads(path.read_text(encoding="utf-8"))
            window_of(summary)
            if {"model", "version", "status", "alarms"} <= summary.keys():
                yield summary
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
