"""One metric, of all rows or of a slice, checked against its limit."""

import math
from dataclasses import dataclass
from typing import Any

PASS, FAIL, NOISE, ACCEPTED, NOT_JUDGED = "pass", "FAIL", "within noise", "accepted", "not judged"


@dataclass(frozen=True)
class CheckResult:
    """A row of the report."""

    name: str
    base: float | None
    branch: Any
    limit: str
    status: str
    why: str
    change: float | None = None
    low: float | None = None
    """Lower end of the 95% interval of the change; None where it could not be computed."""
    high: float | None = None


def not_a_number(value: Any, missing: str) -> str:
    """Return why a value cannot be checked, or nothing; `missing` is the reason for None."""
    if value is None:
        return missing
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"is {str(value)[:40]!r}, not a number"
    try:
        return "" if math.isfinite(value) else f"is {value}, not a finite number"
    except OverflowError:
        return f"is {str(value)[:10]}..., too large a number"


def finite_or_none(value: Any) -> float | None:
    """Return a value if it is a finite number, else None."""
    return None if not_a_number(value, "missing") else value


def figure_of(value: Any) -> Any:
    """Return a value as the report has it: a finite number or None unchanged, anything else as text."""
    return value if value is None or finite_or_none(value) is not None else str(value)[:40]


def count_or_none(value: Any) -> int | None:
    """Return a value if it is a number of things, such as rows, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15 else None
