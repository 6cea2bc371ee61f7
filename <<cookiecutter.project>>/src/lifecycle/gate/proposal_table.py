"""What `gate propose` prints: the figures that its limits come from."""

from typing import Any

from lifecycle.core.config import Params
from lifecycle.core.own_metrics import sign_of
from lifecycle.core.tables import figure, text_table
from lifecycle.gate.limits import MetricLimit, plain
from lifecycle.gate.refits import Spread


def proposal_table(
    limits: dict[str, MetricLimit],
    points: dict[str, float],
    intervals: dict[str, dict[str, float]],
    measured: dict[str, Spread],
) -> str:
    """Return what was measured of each metric, and the limits that follow, as a table."""
    header = ["metric", "reached", "95% interval", "refits deviate", "detectable", "limit", "may change by"]
    rows = []
    for name, limit in limits.items():
        low, high, spread = intervals[name]["low"], intervals[name]["high"], measured[name]
        better, worse = ("≥", "fall") if limit.sign > 0 else ("≤", "rise")
        bound = f"{better} {plain(limit.bound)}{' (trivial model)' if limit.trivial else ''}"
        interval = f"{figure(low)} to {figure(high)}"
        figures = [figure(points[name]), interval, figure(spread.deviation), figure(spread.detectable)]
        rows.append([name, *figures, bound, f"{worse} ≤ {plain(limit.change)}"])
    return text_table(header, rows)


def slices_explained(metric: str, min_rows: int, limit: Any, params: Params) -> str:
    """Return in words the limit of slices, which is a bound and the slice that it comes from, or None."""
    if not params.evaluate.slices:
        return "slices: none, for evaluate.slices in params.yaml names no column"
    need = f"{min_rows:,} rows, which an interval of useful width needs"
    if limit is None:
        return f"slices: no limit, for none has {need}"
    bound = "at least" if sign_of(metric) > 0 else "at most"
    return f"slices: {metric} {bound} {plain(limit[0])} in each of at least {need}: the lowest is {limit[1]}"
