"""One limit for every slice: the lowest that one of them needs."""

import math
from decimal import Decimal

import pandas as pd

from lifecycle.core import metrics
from lifecycle.core.config import Params
from lifecycle.core.metrics import UNIT_INTERVAL
from lifecycle.core.own_metrics import sign_of
from lifecycle.gate.cross_validation import scaled
from lifecycle.gate.limits import metric_limit
from lifecycle.gate.refits import RESAMPLES, Spread

USEFUL_WIDTH = 0.2  # of the 95% interval of a metric between 0 and 1
USEFUL_SHARE = 0.25  # of any other metric: half the width of its interval
FEWEST_ROWS, MOST_ROWS = 30, 5000  # of a slice that is judged; and of one that is resampled
CHANCE = {"roc_auc": 0.5}  # what a model reaches in any slice that knows nothing


def is_useful(metric: str, point: float, interval: dict[str, float]) -> bool:
    """Whether an interval is narrow enough to tell anything."""
    return _excess(metric, point, interval) <= 1


def rows_needed(metric: str, point: float, interval: dict[str, float], rows: int) -> int:
    """Return how many rows an interval of useful width needs: its width falls with the root of their number."""
    return max(FEWEST_ROWS, math.ceil(rows * _excess(metric, point, interval) ** 2 / 10) * 10)


def slice_limit(
    metric: str, test: pd.DataFrame, first: pd.DataFrame, refitted: list[pd.DataFrame], min_rows: int, params: Params
) -> tuple[Decimal, str] | None:
    """Return the one limit of all slices and the slice that it comes from, or None if no slice has enough rows.

    Args:
        metric: its name.
        test: the test rows, with the columns in evaluate.slices.
        first: what the first model predicts for them.
        refitted: what each refit predicts.
        min_rows: of a slice that is judged.
        params: the columns of slices, the task and the seed.
    """
    sign, limits = sign_of(metric), []
    for column in params.evaluate.slices:
        for value, every_row in test.groupby(column, observed=True):
            if len(every_row) < min_rows:
                continue
            rows = every_row.sample(min(len(every_row), MOST_ROWS), random_state=params.seed)
            measures = [
                metrics.measure(rows[params.data.target], predictions.loc[rows.index], params)
                for predictions in (first, *refitted)
            ]
            points = [metrics.point(measure, len(rows)).get(metric) for measure in measures]
            interval = metrics.intervals(measures[0], len(rows), RESAMPLES, params.seed).get(metric)
            if points[0] is None or interval is None:
                continue  # its rows are of one class
            interval = scaled({metric: points[0]}, {metric: interval}, (len(rows) / len(every_row)) ** 0.5)[metric]
            spread = Spread([point for point in points[1:] if point is not None], points[0])
            limit = metric_limit(metric, points[0], interval, spread, CHANCE.get(metric))
            limits.append((sign * limit.bound, f"{column}={value}, with {len(every_row):,} rows"))
    if not limits:
        return None
    bound, where = min(limits)
    return sign * bound, where


def _excess(metric: str, point: float, interval: dict[str, float]) -> float:
    """The width of an interval, in units of a useful one."""
    width = interval["high"] - interval["low"]
    useful = USEFUL_WIDTH if metric in UNIT_INTERVAL else 2 * USEFUL_SHARE * abs(point)
    return width / useful if useful else math.inf
