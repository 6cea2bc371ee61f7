"""Performance: the metrics that gates.yaml limits, on the rows whose label has come in."""

import datetime
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lifecycle.core import config, metrics
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_json, read_text
from lifecycle.core.reference import ACTUAL, PROBABILITIES
from lifecycle.gate.check_result import finite_or_none
from lifecycle.gate.metric_range import Floor
from lifecycle.gate.policy import Policy
from lifecycle.gate.rules import describe
from lifecycle.prediction_log.labels import class_name, class_names

OK, BREACH = "ok", "breach"
RESAMPLES = 500
MOST_TIMES = 1e6  # JSON has no infinity


@dataclass(frozen=True)
class MetricInterval:
    """A metric, its 95% interval and its limit, as a summary has them."""

    metric: str
    value: float
    low: float
    high: float
    limit: str
    labels: int
    """0 if it is an estimate."""
    status: str
    times_limit: float = 0.0
    """By which factor the nearest end of the interval lies beyond the limit; 0 if that means nothing."""


def actual(labels: pd.Series, target: pd.Series, params: Params) -> pd.Series:
    """Return labels as the target has them: numbers, or the text of one of its classes; missing where a label is neither.

    Args:
        labels: as text.
        target: of the reference.
        params: the task.
    """
    if params.task == "regression":
        numbers = pd.to_numeric(labels, errors="coerce")
        return numbers.where(numbers.abs() < float("inf"))
    classes = {class_name(name): str(name) for name in target.unique()}
    return class_names(labels).map(classes)


def params_of(version: Path) -> Params:
    """Return the params in the folder of a version, with the threshold that a rule chose for it, by which answers are labelled.

    Raises ConfigError if the version's metrics of the validation rows, which have the threshold, are not there or cannot be read.
    """
    params, path = config.load(version / config.PARAMS), version / "validation.json"
    if not params.train.threshold:
        return params
    threshold = finite_or_none(parse_json(read_text(path), str(path)).get("threshold"))
    if threshold is None:
        raise ConfigError(f"{path}: has no threshold, which train.threshold of the version chooses")
    return params.labelling_at(threshold)


def measure(rows: pd.DataFrame, policy: Policy, params: Params, today: datetime.date) -> list[MetricInterval]:
    """Measure the metrics that gates.yaml limits. A metric whose whole interval is beyond its limit is a breach.

    Args:
        rows: answers as logged, and `actual`.
        policy: gates.yaml.
        params: the task, the positive class and the seed.
        today: exceptions of the policy hold until their date.
    """
    names = {str(name): str(name).replace(PROBABILITIES, "probability_", 1) for name in rows}
    measures = metrics.measure(rows[ACTUAL], rows.rename(columns=names), params)
    points = metrics.point(measures, len(rows))
    bounds = metrics.intervals(measures, len(rows), RESAMPLES, params.seed)
    measured = []
    for name, floor in limits(policy, today).items():
        if name in points and name in bounds:
            ends = points[name], bounds[name]["low"], bounds[name]["high"]
            measured.append(judged(name, *ends, floor, len(rows)))
    return measured


def judged(name: str, value: float, low: float, high: float, floor: Floor, labels: int) -> MetricInterval:
    """Return a metric with its interval, which is a breach if the whole interval is beyond the limit."""
    too_low = floor.min is not None and high < floor.min
    too_high = floor.max is not None and low > floor.max
    status = BREACH if too_low or too_high else OK
    times = round(_times(low, high, floor), 6) if status == BREACH else 0.0
    return MetricInterval(name, value, low, high, describe(floor), labels, status, times)


def _times(low: float, high: float, floor: Floor) -> float:
    """By which factor an interval lies above the maximum, or below the minimum; 0 unless the limit is positive."""
    if floor.max is not None and low > floor.max > 0:
        return low / floor.max
    if floor.min is not None and floor.min > 0 and high < floor.min:
        return min(floor.min / high, MOST_TIMES) if high > 0 else MOST_TIMES
    return 0.0


def limits(policy: Policy, today: datetime.date) -> dict[str, Floor]:
    """Return the absolute limits of the metrics of all rows; an exception that holds today replaces the limit."""
    floors = {
        name: Floor(min=limit.min, max=limit.max)
        for metrics_of_file in policy.metrics.values()
        for name, limit in metrics_of_file.items()
        if limit.min is not None or limit.max is not None
    }
    for exception in policy.exceptions:
        of_all_rows = exception.place == ("", "")
        if of_all_rows and exception.expires >= today and exception.metric in floors:
            floors[exception.metric] = Floor(min=exception.min, max=exception.max)
    return floors
