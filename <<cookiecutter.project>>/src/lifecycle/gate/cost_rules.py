"""Whether what a model costs keeps the limits of gates.yaml: figures in, one result per figure out. Nothing here reads a file."""

from dataclasses import dataclass, field

from lifecycle.gate.check_result import FAIL, PASS, CheckResult
from lifecycle.gate.cost_limits import Ceiling, Cost
from lifecycle.gate.report_cost import UNITS, cost_in_words


@dataclass(frozen=True)
class Costs:
    """What the models of the two sides cost, by the names in gates.yaml: seconds, bytes, bytes and milliseconds."""

    base: dict[str, float] | None = None
    """None if there is no model to compare with."""
    branch: dict[str, float] = field(default_factory=dict)
    why_not_base: str = ""
    """Why a figure of the base is missing, if one is."""
    why_not_branch: str = ""


def check_costs(limits: Cost | None, costs: Costs) -> list[CheckResult]:
    """Check each figure that is limited; those that are only measured are returned without a status.

    A limited figure that could not be measured fails. Without a base only the absolute limits are checked.
    """
    ceilings = limits.ceilings() if limits else {}
    results = []
    for name in UNITS:
        before, after = (costs.base or {}).get(name), costs.branch.get(name)
        if ceiling := ceilings.get(name):
            why = _problem(name, ceiling, costs)
            status = FAIL if why else PASS
            results.append(CheckResult(name, before, after, describe_ceiling(name, ceiling), status, why))
        elif after is not None:
            results.append(CheckResult(name, before, after, "", "", ""))
    return results


def describe_ceiling(name: str, ceiling: Ceiling) -> str:
    """Return a limit as a person would write it."""
    absolute = [] if ceiling.most is None else [f"≤ {cost_in_words(name, ceiling.most)}"]
    ratio = [] if ceiling.max_ratio is None else [f"≤ {ceiling.max_ratio:g} times the base's"]
    return ", ".join([*absolute, *ratio])


def _problem(name: str, ceiling: Ceiling, costs: Costs) -> str:
    """How a figure breaks its limit, or nothing."""
    value = costs.branch.get(name)
    if value is None:
        return f"{name} could not be measured, so it cannot be checked: {costs.why_not_branch}"
    if ceiling.most is not None and value > ceiling.most:
        return f"{name} is {cost_in_words(name, value)}, above its limit {cost_in_words(name, ceiling.most)}"
    if ceiling.max_ratio is None or costs.base is None:
        return ""
    before = costs.base.get(name)
    if before is None:
        return f"{name} of the base could not be measured, so max_ratio cannot be checked: {costs.why_not_base}"
    if value <= ceiling.max_ratio * before:
        return ""
    sides = f"{cost_in_words(name, value)}, {value / before:.3g} times the base's {cost_in_words(name, before)}"
    return f"{name} is {sides}; {ceiling.max_ratio:g} times is allowed"
