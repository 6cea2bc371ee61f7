"""Whether the weak slices that `evaluate` found keep the limits of gates.yaml: pipeline/weak_slices.py."""

from typing import Any

from lifecycle.core import config
from lifecycle.gate.check_result import (
    FAIL,
    NOT_JUDGED,
    PASS,
    CheckResult,
    count_or_none,
    figure_of,
    finite_or_none,
    not_a_number,
)
from lifecycle.gate.policy import Slices
from lifecycle.gate.rules import describe


def check_weak_slices(limits: Slices | None, content: dict[str, Any]) -> list[CheckResult]:
    """Check the test rows of every weak slice that has at least `min_rows` of them.

    Args:
        limits: those of the policy.
        content: of metrics/weak_slices.json; one that is not of its form fails.
    """
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
            if not isinstance(rows, int) or rows < limits.min_rows:
                status, why = NOT_JUDGED, f"{of} has {rows} test rows; {limits.min_rows} are needed"
            elif value is None:
                status, why = NOT_JUDGED, f"{of} is not defined: its rows are of one class"
            elif problem := not_a_number(value, ""):
                status, why = FAIL, f"{of} {problem}"
            elif broken := floor.broken_by(value):
                status, why = FAIL, f"{of} is {value:.4f}, {broken}"
            else:
                status, why = PASS, ""
            results.append(
                CheckResult(f"{metric} where {name}", None, finite_or_none(value), describe(floor), status, why)
            )
    return results


def weak_slices(content: dict[str, Any]) -> dict[str, dict[str, Any]] | None:
    """Return slice → figures, or None if the content is not what `evaluate` writes."""
    slices = content.get("slices")
    if not isinstance(slices, dict) or not all(isinstance(figures, dict) for figures in slices.values()):
        return None
    return slices


def printable_figures(figures: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a weak slice as the report has them, without an excess that is not three finite numbers."""
    excess = figures.get("excess")
    ends = (
        {name: finite_or_none(excess.get(name)) for name in ("value", "low", "high")}
        if isinstance(excess, dict)
        else {}
    )
    known = None if None in ends.values() else ends
    return {name: figure_of(value) for name, value in figures.items() if name != "excess"} | {"excess": known or None}


def searched(content: dict[str, Any]) -> dict[str, int] | None:
    """Return how many `slices` were searched on how many `rows`, or None if the content does not say."""
    figures = content.get("searched")
    numbers = (
        {name: count_or_none(figures.get(name)) for name in ("slices", "rows")} if isinstance(figures, dict) else {}
    )
    known = {name: number for name, number in numbers.items() if number is not None}
    return known if len(known) == 2 else None
