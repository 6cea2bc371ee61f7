"""When to act: k of the last n windows raised an alarm, and the latest did too. One window is enough only if its alarm is extreme."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lifecycle.monitoring.settings import Rule
from lifecycle.monitoring.summary import PastWindow, Summary

HEALTHY, ACT, UNDECIDED = "healthy", "act", "undecided"
EXIT_CODES = {HEALTHY: 0, ACT: 1, UNDECIDED: 2}
SUMMARY = "summary.json"
MAX_OVERLAP = 0.1  # of the shorter of two windows, up to which both count: a schedule is not kept to the minute


def decide(summary: Summary, earlier: list[PastWindow], rule: Rule) -> Summary:
    """Return a summary of a window that has enough rows with `status`, `reasons` and `history`.

    Args:
        summary: of the window; `extreme` names its alarms that need no second window.
        earlier: the windows before it, oldest first, at most rule.windows - 1 of them.
        rule: how many alarms in how many windows are needed.
    """
    history = [*earlier, PastWindow(summary.window.until.isoformat(), bool(summary.alarms))]
    count = sum(window.alarm for window in history)
    act = bool(summary.alarms) and (count >= rule.alarms or bool(summary.extreme))
    lasting = [f"an alarm in {count} of the last {len(history)} windows"] if len(history) > 1 else []
    extreme = [f"beyond rule.extreme, so one window is enough: {', '.join(summary.extreme)}"] if summary.extreme else []
    reasons = [*summary.alarms, *lasting, *extreme] if act else []
    return replace(summary, status=ACT if act else HEALTHY, reasons=reasons, history=history)


def undecided(summary: Summary, earlier: list[PastWindow], min_rows: int) -> Summary:
    """Return a summary of a window that has too few rows."""
    missing = min_rows - summary.readable
    reason = f"{summary.readable:,} rows, {min_rows:,} are needed: {missing:,} are missing"
    history = [*earlier, PastWindow(summary.window.until.isoformat(), False)]
    return replace(summary, status=UNDECIDED, reasons=[reason], missing_rows=missing, history=history)


def earlier_windows(reports: Path, present: Summary, most: int) -> list[PastWindow]:
    """Return at most `most` windows before the present one, oldest first, from the summaries in a folder of reports.

    Those of the same version in the same role and log count that were decided. Of windows that overlap, the later one counts.
    """
    past: list[PastWindow] = []
    later = present.window
    for summary in sorted(_summaries(reports), key=lambda summary: summary.window.until, reverse=True):
        window = summary.window
        shorter = min(window.until - window.since, later.until - later.since)
        apart = window.until < later.until and window.overlap(later) <= MAX_OVERLAP * shorter
        decided = summary.status != UNDECIDED
        if len(past) < most and _watched(summary) == _watched(present) and apart and decided:
            past.append(PastWindow(window.until.isoformat(), bool(summary.alarms)))
            later = window
    return past[::-1]


def _watched(summary: Summary) -> tuple[str, ...]:
    return summary.model, summary.version, summary.role, summary.log


def _summaries(reports: Path) -> Iterator[Summary]:
    """The summaries that can be read; a damaged one does not count."""
    for path in reports.glob(f"[0-9]*/{SUMMARY}"):
        try:
            yield Summary.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
