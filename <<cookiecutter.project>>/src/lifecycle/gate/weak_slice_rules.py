"""Whether the weak slices that `evaluate` found keep the limits of gates.yaml: pipeline/weak_slices.py."""

import datetime
from typing import Any

from lifecycle.core import config
from lifecycle.gate.accepted_regressions import apply_exceptions
from lifecycle.gate.check_result import FAIL, NOT_JUDGED, PASS, CheckResult, count_or_none, finite_or_none, not_a_number
from lifecycle.gate.policy import Policy
from lifecycle.gate.rules import describe


def check_weak_slices(policy: Policy, content: dict[str, Any], today: datetime.date) -> list[CheckResult]:
    """Check the test rows of every weak slice that has at least `min_rows` of them.

    Args:
        policy: the limits, and the exceptions from them.
        content: of metrics/weak_slices.json; one that is not of its form fails.
        today: the day on which exceptions must still hold.
    """
    limits = policy.weak_slices
    if limits is None:
        return []
    slices = weak_slices(content)
    if slices is None:
        described = ", ".join(f"{metric} {describe(floor)}" for metric, floor in limits.metrics.items())
        why = f"{config.WEAK_SLICES} is missing or not what evaluate writes, so weak slices cannot be judged"
        return [CheckResult("weak slices", None, None, described, FAIL, why)]
    results = []
    for name, figures in slices.items():
        for metric, floor in limits.metrics.items():
            value, rows, of = figures.get(metric), figures.get("rows"), f"{metric} of the weak slice {name}"
            if (count_or_none(rows) or 0) < limits.min_rows:
                status, why = NOT_JUDGED, f"{of} has {rows} test rows; {limits.min_rows} are needed"
            elif value is None:
                status, why = NOT_JUDGED, f"{of} is not defined: its rows are of one class"
            elif problem := not_a_number(value, ""):
                status, why = FAIL, f"{of} {problem}"
            elif broken := floor.broken_by(value):
                status, why = FAIL, f"{of} is {value:.4f}, {broken}"
            else:
                status, why = PASS, ""
            result = CheckResult(f"{metric} where {name}", None, finite_or_none(value), describe(floor), status, why)
            results.append(apply_exceptions(result, policy.exceptions, metric, [("weak_slice", name)], today))
    return results


def weak_slices(content: dict[str, Any]) -> dict[str, dict[str, Any]] | None:
    """Return slice → figures, or None if the content is not what `evaluate` writes."""
    slices = content.get("slices")
    if not isinstance(slices, dict) or not all(isinstance(figures, dict) for figures in slices.values()):
        return None
    return slices


def reported(content: dict[str, Any]) -> dict[str, Any]:
    """Return what the report shows of the file: how much was `searched`, and of each slice `rows`, `loss` and `excess`."""
    searched = content.get("searched")
    counts = (
        {name: count_or_none(searched.get(name)) for name in ("rows", "slices")} if isinstance(searched, dict) else {}
    )
    return {
        "searched": counts if counts and None not in counts.values() else None,
        "slices": {
            name: {
                "rows": count_or_none(figures.get("rows")),
                "loss": finite_or_none(figures.get("log_loss", figures.get("mae"))),
                "excess": _interval(figures.get("excess")),
            }
            for name, figures in (weak_slices(content) or {}).items()
        },
    }


def _interval(excess: Any) -> dict[str, float | None]:
    """`value`, `low` and `high`, or nothing if one of them is no number."""
    ends = (
        {name: finite_or_none(excess.get(name)) for name in ("value", "low", "high")}
        if isinstance(excess, dict)
        else {}
    )
    return {} if None in ends.values() else ends
