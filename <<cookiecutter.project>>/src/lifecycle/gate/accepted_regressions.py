"""Exceptions of gates.yaml: regressions that a reviewer has accepted for a while."""

import datetime
from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeVar

from lifecycle.core import config
from lifecycle.core.errors import ConfigError, did_you_mean
from lifecycle.gate.check_result import ACCEPTED, FAIL, CheckResult, not_a_number
from lifecycle.gate.exemption import Exemption
from lifecycle.gate.policy import Policy

Result = TypeVar("Result", bound=CheckResult)


def unused_exceptions(
    policy: Policy,
    branch: Policy,
    slices: dict[str, dict[str, dict[str, Any]]],
    weak_slices: Collection[str],
    today: datetime.date,
) -> list[str]:
    """Return a line for each exception that covers nothing today, because its slice or weak slice is not there.

    Args:
        policy: the one that counts.
        branch: the branch's own.
        slices: of each side.
        weak_slices: the names of those that the branch has.
        today: the day on which an exception must still hold.

    Raises ConfigError if the branch adds an exception from a column that neither side has slices of.
    """
    columns = dict.fromkeys(column for side in slices.values() for column in side)
    names = [*columns, *(f"{column}={value}" for side in slices.values() for column in side for value in side[column])]
    lines = []
    for exemption in dict.fromkeys([*policy.exceptions, *branch.exceptions]):
        key, name = exemption.place
        if key not in ("slice", "weak_slice") or exemption.expires < today:
            continue
        covers_nothing = f"the exception of {exemption.accepted_by} for {exemption.metric} where {name} covers nothing"
        if key == "weak_slice":
            if name not in weak_slices:
                hint = did_you_mean(name, weak_slices)
                lines.append(f"{covers_nothing}: evaluate does not find this weak slice{hint}")
            continue
        if name in names:
            continue
        own = branch is policy or exemption not in policy.exceptions
        if own and not any(name.startswith(f"{column}=") for column in columns):
            known = ", ".join(columns) or "none"
            raise ConfigError(
                f"{config.GATES} of the branch: exceptions: slice {name!r} is of no column in evaluate.slices of {config.PARAMS} "
                f"(there are: {known}): correct it, or remove the exception"
            )
        lines.append(f"{covers_nothing}: neither side has this slice{did_you_mean(name, names)}")
    return lines


def apply_exceptions(
    result: Result, exemptions: list[Exemption], metric: str, places: Collection[tuple[str, str]], today: datetime.date
) -> Result:
    """Turn a failure into an accepted one if an exception covers it; mention one that has ended or does not reach that far.

    Args:
        result: of a check.
        exemptions: those of the policy.
        metric: the metric's name.
        places: what the result is about, as `Exemption.place` has it; a slice is also of its column.
        today: the day on which the exception must still hold.
    """
    if result.status != FAIL:
        return result
    of_slice = any(key == "slice" for key, _ in places)
    gone = of_slice and result.branch is None  # a slice that is no longer measured can be accepted
    if not_a_number(result.branch, "missing") and not gone:
        return result
    refusal = ""
    for exemption in exemptions:
        if exemption.metric != metric or exemption.place not in places:
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
