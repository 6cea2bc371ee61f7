"""The rules of the gate: a policy and figures in, one line per figure out. Nothing here reads a file."""

import datetime
import math
from dataclasses import dataclass, replace
from typing import Any

from lifecycle.gate.paired_bootstrap import Paired
from lifecycle.gate.policy import Exemption, Floor, Limit, Policy

PASS, FAIL, NOISE, ACCEPTED, NOT_JUDGED = "pass", "FAIL", "within noise", "accepted", "not judged"
ROUNDING = 1e-9  # 0.85 - 0.84 is a little more than 0.01

Figures = dict[str, dict[str, dict[str, Any]]]
"""What `dvc metrics diff --all --json` prints: file → metric → `old`, `new` and, where both are numbers, `diff`."""

Slices = dict[str, dict[str, dict[str, Any]]]
"""metrics/slices.json: column → value → `rows` and metrics."""


@dataclass(frozen=True)
class Finding:
    """What the gate holds of one figure."""

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


def judge_metrics(policy: Policy, figures: Figures, paired: dict[str, Paired], today: datetime.date) -> list[Finding]:
    """Hold every metric of the policy against its limits.

    Args:
        paired: by file, what both sides' predictions for the same rows say.
    """
    findings = []
    for file, limits in policy.metrics.items():
        for metric, limit in limits.items():
            cell = figures.get(file, {}).get(metric, {})
            name = metric if file == next(iter(policy.metrics)) else f"{file}: {metric}"
            finding = _judge(name, file, metric, limit, cell, paired.get(file))
            findings.append(_excepted(finding, policy.exceptions, metric, None, today))
    return findings


def judge_slices(policy: Policy, base: Slices, branch: Slices, today: datetime.date) -> list[Finding]:
    """Hold every slice of at least `min_rows` rows against its limits; a slice that is gone fails."""
    if policy.slices is None:
        return []
    findings = []
    for column, value in _keys(base, branch):
        old, new = base.get(column, {}).get(value, {}), branch.get(column, {}).get(value, {})
        rows = max(_rows(old), _rows(new))  # a slice does not escape its limit by losing rows
        for metric, floor in policy.slices.metrics.items():
            name = f"{metric} where {column}={value}"
            before: Any = _number(old.get(metric))
            after: Any = new.get(metric)
            if after is None and before is None:
                status, why = NOT_JUDGED, f"{name} is not defined: its rows are of one class"
            elif rows < policy.slices.min_rows:
                status, why = NOT_JUDGED, f"{name} has {rows} rows; {policy.slices.min_rows} are judged"
            elif wrong := _not_a_number(after, "is gone: the base has it"):
                status, why = FAIL, f"{name} {wrong}"
            elif broken := floor.broken_by(after):
                status, why = FAIL, f"{name} is {after:.4f}, {broken}"
            else:
                status, why = PASS, ""
            finding = Finding(name, before, after, describe(floor), status, why, _change(before, after))
            findings.append(_excepted(finding, policy.exceptions, metric, (column, str(value)), today))
    return findings


def describe(limit: Floor) -> str:
    """Return a limit as a person would write it."""
    parts = [f"≥ {limit.min:g}"] if limit.min is not None else []
    parts += [f"≤ {limit.max:g}"] if limit.max is not None else []
    parts += [f"drop ≤ {limit.max_drop:g}"] if isinstance(limit, Limit) and limit.max_drop is not None else []
    parts += [f"rise ≤ {limit.max_rise:g}"] if isinstance(limit, Limit) and limit.max_rise is not None else []
    return ", ".join(parts)


def _judge(name: str, file: str, metric: str, limit: Limit, cell: dict[str, Any], paired: Paired | None) -> Finding:
    base: float | None = _number(cell.get("old"))
    branch: Any = cell.get("new")
    shared = paired.changes.get(metric) if paired else None
    change = _change(base, branch)

    def found(status: str, why: str) -> Finding:
        shown = branch if _number(branch) is not None or branch is None else str(branch)
        low, high = (shared["low"], shared["high"]) if shared and change is not None else (None, None)
        said = shared["change"] if shared and change is not None else change  # on the rows that the interval is of
        return Finding(name, base, shown, describe(limit), status, why, said, low, high)

    if wrong := _not_a_number(branch, f"is missing from {file}, or null"):
        return found(FAIL, f"{name} {wrong}")
    if broken := limit.broken_by(branch):
        return found(FAIL, f"{name} is {branch:.4f}, {broken}")
    if change is None:
        return found(PASS, f"{name} has no baseline: only its absolute limit was held against it")
    worse, allowed, verb = _worsening(limit, change)
    moved = f"{name} {verb} by {worse:.4f} to {branch:.4f}; {allowed} is allowed"
    exceeds = allowed is not None and worse > allowed + ROUNDING
    if shared is None:
        plain = "(plain rule: no paired predictions of both sides)"
        return found(FAIL, f"{moved} {plain}") if exceeds else found(PASS, "")
    assert paired is not None
    if exceeds and not paired.complete:  # some rows of the base are gone or have another target: no excuse in the rest
        return found(FAIL, f"{moved} (plain rule: test rows of the base are gone or have another target)")
    worse, allowed, verb = _worsening(limit, shared["change"])
    if allowed is None or worse <= allowed + ROUNDING:
        return found(PASS, "")
    span = f"95% interval of the change {shared['low']:+.4f} to {shared['high']:+.4f}"
    where = "" if round(worse, 4) == round(_worsening(limit, change)[0], 4) else " on the rows of both sides"
    moved = f"{name} {verb} by {worse:.4f}{where or f' to {branch:.4f}'}; {allowed:g} is allowed"
    wholly_worse = shared["low"] > 0 if limit.max_rise is not None else shared["high"] < 0
    if not wholly_worse:
        return found(NOISE, f"{moved}, but that is within noise ({span})")
    return found(FAIL, f"{moved} ({span})")


def _worsening(limit: Limit, change: float) -> tuple[float, float | None, str]:
    """How far a metric went for the worse, how far it may, and the verb for it."""
    if limit.max_rise is not None:
        return change, limit.max_rise, "rose"
    return -change, limit.max_drop, "fell"


def _excepted(
    finding: Finding, exemptions: list[Exemption], metric: str, where: tuple[str, str] | None, today: datetime.date
) -> Finding:
    """Turn a failure into an accepted one if an exception covers it; say so if one that would have is over."""
    if finding.status != FAIL:
        return finding
    gone = where is not None and finding.branch is None  # a slice that is no longer measured can be accepted
    if _not_a_number(finding.branch, "missing") and not gone:
        return finding
    slices = (where[0], "=".join(where)) if where else (None,)
    refused = ""
    for exemption in exemptions:
        if exemption.metric != metric or exemption.slice not in slices:
            continue
        who = f"the exception of {exemption.accepted_by} ({exemption.reason})"
        broken = "" if gone else exemption.broken_by(finding.branch)
        if exemption.expires < today:
            refused = f"; {who} ended on {exemption.expires}"
        elif broken:
            refused = f"; {who} does not reach that far: {broken}"
        else:
            return replace(finding, status=ACCEPTED, why=f"{finding.why}; {who} holds until {exemption.expires}")
    return replace(finding, why=finding.why + refused)


def _not_a_number(value: Any, missing: str) -> str:
    """What keeps a value from being judged, or nothing."""
    if value is None:
        return missing
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"is {str(value)[:40]!r}, not a number"
    return "" if math.isfinite(value) else f"is {value}, not a finite number"


def _number(value: Any) -> float | None:
    return None if _not_a_number(value, "missing") else value


def _change(base: float | None, branch: Any) -> float | None:
    return None if base is None or _number(branch) is None else round(branch - base, 9)


def _rows(part: dict[str, Any]) -> int:
    return part.get("rows") or 0


def _keys(base: Slices, branch: Slices) -> list[tuple[str, str]]:
    """Every column and value of either side, the branch's first."""
    return list(dict.fromkeys((column, value) for side in (branch, base) for column in side for value in side[column]))
