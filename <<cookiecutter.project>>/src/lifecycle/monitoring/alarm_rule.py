"""When is it believed? Not because of one window: k of the last n must have raised an alarm, and the latest too."""

from typing import Any

from lifecycle.monitoring.history import UNDECIDED, Summary
from lifecycle.monitoring.settings import Rule

HEALTHY, ACT = "healthy", "act"
EXIT = {HEALTHY: 0, ACT: 1, UNDECIDED: 2}


def decided(summary: Summary, earlier: list[dict[str, Any]], rule: Rule) -> Summary:
    """Return a summary of a window that has enough rows with `status`, `reasons` and `history`.

    Args:
        earlier: what the windows before it have said, oldest first, at most rule.windows - 1 of them.
    """
    history = [*earlier, {"until": summary["window"]["until"], "alarm": bool(summary["alarms"])}]
    count = sum(one["alarm"] for one in history)
    act = bool(summary["alarms"]) and count >= rule.alarms
    lasting = [f"an alarm in {count} of the last {len(history)} windows"] if len(history) > 1 else []
    reasons = [*summary["alarms"], *lasting] if act else []
    return summary | {"status": ACT if act else HEALTHY, "reasons": reasons, "missing_rows": 0, "history": history}


def undecided(summary: Summary, earlier: list[dict[str, Any]], min_rows: int) -> Summary:
    """Return a summary of a window that has too few rows."""
    missing = min_rows - summary["readable"]
    reason = f"{summary['readable']:,} rows of {min_rows:,} that are needed: {missing:,} are missing"
    history = [*earlier, {"until": summary["window"]["until"], "alarm": False}]
    return summary | {"status": UNDECIDED, "reasons": [reason], "missing_rows": missing, "history": history}
