"""Exceptions of gates.yaml: regressions that a reviewer has accepted for a while."""

import datetime
from dataclasses import replace

from lifecycle.gate.check_result import ACCEPTED, FAIL, CheckResult, not_a_number
from lifecycle.gate.policy import Exemption


def apply_exceptions(
    result: CheckResult, exemptions: list[Exemption], metric: str, where: tuple[str, str] | None, today: datetime.date
) -> CheckResult:
    """Turn a failure into an accepted one if an exception covers it; mention one that has ended or does not reach that far.

    Args:
        result: of a check.
        exemptions: those of the policy.
        metric: the metric's name.
        where: column and value of the slice, or None for all rows.
        today: the day on which the exception must still hold.
    """
    if result.status != FAIL:
        return result
    gone = where is not None and result.branch is None  # a slice that is no longer measured can be accepted
    if not_a_number(result.branch, "missing") and not gone:
        return result
    slices = (where[0], "=".join(where)) if where else (None,)
    refusal = ""
    for exemption in exemptions:
        if exemption.metric != metric or exemption.slice not in slices:
            continue
        exception = f"the exception of {exemption.accepted_by} ({exemption.reason})"
        broken = "" if gone else exemption.broken_by(result.branch)
        if exemption.expires < today:
            refusal = f"; {exception} ended on {exemption.expires}"
        elif broken:
            refusal = f"; {exception} does not reach that far: {broken}"
        else:
            return replace(result, status=ACCEPTED, why=f"{result.why}; {exception} holds until {exemption.expires}")
    return replace(result, why=result.why + refusal)
