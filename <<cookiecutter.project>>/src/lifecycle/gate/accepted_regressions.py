"""Exceptions of gates.yaml: regressions that a reviewer has accepted for a while."""

import datetime
from collections.abc import Iterable
from dataclasses import replace

from lifecycle.core import config
from lifecycle.core.errors import ConfigError, did_you_mean
from lifecycle.gate.check_result import ACCEPTED, FAIL, CheckResult, not_a_number
from lifecycle.gate.policy import Exemption, Policy

Slices = Iterable[tuple[str, str]]
"""Column and value of each slice of either side."""


def without_slice(policies: Iterable[Policy], slices: Slices, today: datetime.date) -> list[str]:
    """Return a line for each exception that covers nothing today, because neither side has its slice."""
    names = {name for column, value in slices for name in (column, f"{column}={value}")}
    lines = (
        f"the exception of {exemption.accepted_by} for {exemption.metric} where {exemption.slice} covers nothing: "
        f"neither side has this slice{did_you_mean(exemption.slice, names)}"
        for policy in policies
        for exemption in policy.exceptions
        if exemption.slice is not None and exemption.slice not in names and exemption.expires >= today
    )
    return list(dict.fromkeys(lines))


def refuse_unknown_columns(exemptions: list[Exemption], slices: Slices, today: datetime.date) -> None:
    """Raise ConfigError if an exception of the branch's own policy is from a column that neither side has slices of."""
    columns = dict.fromkeys(column for column, _ in slices)
    for exemption in exemptions:
        name = exemption.slice
        if name is None or exemption.expires < today:
            continue
        if not any(name == column or name.startswith(f"{column}=") for column in columns):
            known = ", ".join(columns) or "none"
            raise ConfigError(
                f"{config.GATES} of the branch: exceptions: slice {name!r} is of no column in evaluate.slices of {config.PARAMS} "
                f"(there are: {known}): correct it, or remove the exception"
            )


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
