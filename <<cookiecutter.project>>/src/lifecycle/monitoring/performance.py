"""How good are the answers, where it is known by now what became of the rows?"""

import datetime
from typing import Any

import pandas as pd

from lifecycle.core import metrics
from lifecycle.core.config import Params
from lifecycle.core.reference import ACTUAL, PROBABILITIES
from lifecycle.gate.policy import Floor, Policy
from lifecycle.gate.rules import describe

OK, BREACH = "ok", "breach"
RESAMPLES = 500

Finding = dict[str, Any]
"""`metric`, `value`, its 95% interval `low` to `high`, `limit` as text, `labels` and `status`."""


def actual(labels: pd.Series, known: pd.Series, params: Params) -> pd.Series:
    """Return labels as the target has them: numbers, or the text of a class that is known; missing where one is neither."""
    numbers = pd.to_numeric(labels, errors="coerce")
    if params.task == "regression":
        return numbers.where(numbers.abs() < float("inf"))
    classes = {str(name) for name in known.unique()}
    others = numbers.map("{:g}".format, na_action="ignore")  # 1.0 and 1 are the same class
    return labels.where(labels.isin(classes), others.where(others.isin(classes)))


def judge(rows: pd.DataFrame, policy: Policy, params: Params, today: datetime.date) -> list[Finding]:
    """Measure the metrics that gates.yaml limits, and hold each interval against the limit: beyond it wholly is a breach.

    Args:
        rows: answers as logged, and `actual`.
    """
    names = {str(name): str(name).replace(PROBABILITIES, "probability_", 1) for name in rows}
    measure = metrics.measure(rows[ACTUAL], rows.rename(columns=names), params)
    points = metrics.point(measure, len(rows))
    bounds = metrics.intervals(measure, len(rows), RESAMPLES, params.seed)
    found = []
    for name, floor in limits(policy, today).items():
        if name in points and name in bounds:
            low, high = bounds[name]["low"], bounds[name]["high"]
            too_low = floor.min is not None and high < floor.min
            too_high = floor.max is not None and low > floor.max
            status = BREACH if too_low or too_high else OK
            finding = {"metric": name, "value": points[name], "low": low, "high": high, "limit": describe(floor)}
            found.append(finding | {"labels": len(rows), "status": status})
    return found


def limits(policy: Policy, today: datetime.date) -> dict[str, Floor]:
    """Return the absolute limits of all rows' metrics; an exception that holds today comes in place of its limit."""
    found = {
        name: Floor(min=limit.min, max=limit.max)
        for part in policy.metrics.values()
        for name, limit in part.items()
        if limit.min is not None or limit.max is not None
    }
    for exception in policy.exceptions:
        if exception.slice is None and exception.expires >= today and exception.metric in found:
            found[exception.metric] = Floor(min=exception.min, max=exception.max)
    return found
