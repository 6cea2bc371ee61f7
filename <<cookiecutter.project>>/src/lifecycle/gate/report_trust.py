"""What the gate's report says of results that were not recomputed, and of what a diff does not show.

Standard library only, as report.py.
"""

from typing import Any

MAX_LINES, MAX_LENGTH = 20, 200


def believed_and_brought(content: dict[str, Any]) -> list[str]:
    """Return a line for each result that was believed or rounded differently, and for what a reviewer should look at."""
    recomputed, review = content.get("recomputed", {}), content.get("review", [])
    lines = [f"Not recomputed: {line}" for line in recomputed.get("not", [])]
    lines += [f"Rounded differently: {line}" for line in recomputed.get("rounded", [])]
    lines += [f"Read with care: {line}" for line in review[:MAX_LINES]]
    lines += [f"Read with care: {len(review) - MAX_LINES} more such lines"] if len(review) > MAX_LINES else []
    return [line[:MAX_LENGTH] for line in lines]
