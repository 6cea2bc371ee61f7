"""The rules of the gate: a policy and figures in, one result per figure out. Nothing here reads a file."""

import datetime
from typing import Any

from lifecycle.core.errors import ConfigError, did_you_mean
from lifecycle.gate.accepted_regressions import apply_exceptions
from lifecycle.gate.check_result import (
    FAIL,
    NOISE,
    NOT_JUDGED,
    PASS,
    CheckResult,
    figure_of,
    finite_or_none,
    not_a_number,
)
from lifecycle.gate.metric_range import Floor, Limit
from lifecycle.gate.paired_bootstrap import PairedComparison
from lifecycle.gate.policy import Policy

ROUNDING = 1e-9  # 0.85 - 0.84 is a little more than 0.01

Figures = dict[str, dict[str, dict[str, Any]]]
"""What `dvc metrics diff --all --json` prints: file → metric → `old`, `new` and, where both are numbers, `diff`."""

SliceFigures = dict[str, dict[str, dict[str, Any]]]
"""metrics/slices.json: column → value → `rows` and metrics."""


def check_metrics(
    policy: Policy, figures: Figures, paired: dict[str, PairedComparison], today: datetime.date
) -> list[CheckResult]:
    """Check every metric of the policy against its limits.

    Args:
        policy: the limits, and the exceptions from them.
        figures: the metrics of base and branch.
        paired: by file, both sides' predictions for the same rows, compared.
        today: the day on which exceptions must still hold.
    """
    results = []
    for file, limits in policy.metrics.items():
        for metric, limit in limits.items():
            figure = figures.get(file, {}).get(metric, {})
            name = metric if file == next(iter(policy.metrics)) else f"{file}: {metric}"
            result = _check_metric(name, file, metric, limit, figure, paired.get(file))
            results.append(apply_exceptions(result, policy.exceptions, metric, [("", "")], today))
    return results


def check_slices(policy: Policy, base: SliceFigures, branch: SliceFigures, today: datetime.date) -> list[CheckResult]:
    """Check every slice of at least `min_rows` rows against its limits; a slice that the branch no longer has fails.

    Args:
        policy: the limits, and the exceptions from them.
        base: the slices of the base.
        branch: those of the branch.
        today: the day on which exceptions must still hold.
    """
    if policy.slices is None:
        return []
    results = []
    for column, value in _slice_keys(base, branch):
        old, new = base.get(column, {}).get(value, {}), branch.get(column, {}).get(value, {})
        rows = max(old.get("rows") or 0, new.get("rows") or 0)  # a slice does not escape its limit by losing rows
        for metric, floor in policy.slices.metrics.items():
            name = f"{metric} where {column}={value}"
            before: Any = finite_or_none(old.get(metric))
            after: Any = new.get(metric)
            if after is None and before is None:
                status, why = NOT_JUDGED, f"{name} is not defined: its rows are of one class"
            elif rows < policy.slices.min_rows:
                status, why = NOT_JUDGED, f"{name} has {rows} rows; {policy.slices.min_rows} are needed"
            elif problem := not_a_number(after, "is gone: the base has it"):
                status, why = FAIL, f"{name} {problem}"
            elif broken := floor.broken_by(after):
                status, why = FAIL, f"{name} is {after:.4f}, {broken}"
            else:
                status, why = PASS, ""
            result = CheckResult(name, before, figure_of(after), describe(floor), status, why, _change(before, after))
            places = [("slice", column), ("slice", f"{column}={value}")]
            results.append(apply_exceptions(result, policy.exceptions, metric, places, today))
    return results


def refuse_unknown_metrics(policy: Policy, figures: Figures, slices: dict[str, SliceFigures], of: str) -> None:
    """Raise ConfigError if the policy limits a metric that neither side has; `of` says whose policy it is."""
    where = f"gates.yaml of the {of}"
    for file, limits in policy.metrics.items():
        for name in limits:
            if name not in figures.get(file, {}):
                hint = did_you_mean(name, figures.get(file, {}))
                raise ConfigError(
                    f"{where}: {file} has no metric {name!r}, on neither side{hint}; `gate propose --anew` writes limits that suit the task"
                )
    of_each = [figure for side in slices.values() for values in side.values() for figure in values.values()]
    for name in policy.slices.metrics if policy.slices and of_each else ():
        if not any(name in figure for figure in of_each):
            raise ConfigError(f"{where}: metrics/slices.json has no metric {name!r}, on neither side")


def describe(limit: Floor) -> str:
    """Return a limit as a person would write it."""
    bounds = [f"≥ {limit.min:g}"] if limit.min is not None else []
    bounds += [f"≤ {limit.max:g}"] if limit.max is not None else []
    bounds += [f"drop ≤ {limit.max_drop:g}"] if isinstance(limit, Limit) and limit.max_drop is not None else []
    bounds += [f"rise ≤ {limit.max_rise:g}"] if isinstance(limit, Limit) and limit.max_rise is not None else []
    return ", ".join(bounds)


def _check_metric(
    name: str, file: str, metric: str, limit: Limit, figure: dict[str, Any], paired: PairedComparison | None
) -> CheckResult:
    base, branch = finite_or_none(figure.get("old")), figure.get("new")
    change = _change(base, branch)
    status, why = _verdict(name, file, metric, limit, branch, change, paired)
    interval = paired.changes.get(metric) if paired and change is not None else None
    if interval is None:
        return CheckResult(name, base, figure_of(branch), describe(limit), status, why, change)
    low, high, change = interval["low"], interval["high"], interval["change"]  # on the rows that both sides have
    return CheckResult(name, base, figure_of(branch), describe(limit), status, why, change, low, high)


def _verdict(
    name: str,
    file: str,
    metric: str,
    limit: Limit,
    branch: Any,
    change: float | None,
    paired: PairedComparison | None,
) -> tuple[str, str]:
    """The status of a metric, and why: checks the absolute limit, then the change on all rows, then that on the paired rows."""
    if problem := not_a_number(branch, f"is missing from {file}, or null"):
        return FAIL, f"{name} {problem}"
    if broken := limit.broken_by(branch):
        return FAIL, f"{name} is {branch:.4f}, {broken}"
    if change is None:
        return PASS, f"{name} has no baseline: only its absolute limit was checked"
    worse, allowed, verb = _regression(limit, change)
    exceeds = allowed is not None and worse > allowed + ROUNDING
    regression = f"{name} {verb} by {worse:.4f} to {branch:.4f}; {allowed} is allowed"
    if paired is None or metric not in paired.changes:
        return (FAIL, f"{regression} (plain rule: no paired predictions of both sides)") if exceeds else (PASS, "")
    if exceeds and not paired.complete:  # some rows of the base are gone or have another target: no excuse in the rest
        return FAIL, f"{regression} (plain rule: test rows of the base are gone or have another target)"
    return _paired_verdict(name, limit, branch, change, paired.changes[metric])


def _paired_verdict(name: str, limit: Limit, branch: float, change: float, paired: dict[str, float]) -> tuple[str, str]:
    """A regression beyond the limit, on the rows that both sides have, fails if its 95% interval excludes zero."""
    worse, allowed, verb = _regression(limit, paired["change"])
    if allowed is None or worse <= allowed + ROUNDING:
        return PASS, ""
    same = round(worse, 4) == round(_regression(limit, change)[0], 4)
    where = f" to {branch:.4f}" if same else " on the rows of both sides"
    regression = f"{name} {verb} by {worse:.4f}{where}; {allowed:g} is allowed"
    interval = f"95% interval of the change {paired['low']:+.4f} to {paired['high']:+.4f}"
    excludes_zero = paired["low"] > 0 if limit.max_rise is not None else paired["high"] < 0
    if not excludes_zero:
        return NOISE, f"{regression}, but that is within noise ({interval})"
    return FAIL, f"{regression} ({interval})"


def _regression(limit: Limit, change: float) -> tuple[float, float | None, str]:
    """By how much a metric got worse, by how much it may, and the verb for it."""
    if limit.max_rise is not None:
        return change, limit.max_rise, "rose"
    return -change, limit.max_drop, "fell"


def _change(base: float | None, branch: Any) -> float | None:
    return None if base is None or finite_or_none(branch) is None else round(branch - base, 9)


def _slice_keys(base: SliceFigures, branch: SliceFigures) -> list[tuple[str, str]]:
    """Column and value of every slice of either side, the branch's first."""
    return list(dict.fromkeys((column, value) for side in (branch, base) for column in side for value in side[column]))
