"""Performance estimated before labels come, from the probabilities of a window's rows. An estimate, which assumes two things.

Confidence-based performance estimation, CBPE (NannyML's documentation, How it works: Performance estimation; a baseline of Białek, Kivimäki,
Kuberski and Perrakis, Estimating Model Performance Under Covariate Shift Without Labels, NeurIPS 2025, arXiv 2401.08348): if probabilities are
calibrated, a row of probability 0.3 is 0.3 of a positive and 0.7 of a negative. With every row counted once for each class, weighted so, any
metric of weighted rows is that of the expected confusion matrix.

Assumed are calibrated probabilities, which `Calibration` tests and mends by the reference, and that a row of given values has its outcome as
often as it had: concept drift cannot be seen without labels.
"""

import datetime

import numpy as np
import pandas as pd

from lifecycle.core import metrics
from lifecycle.core.config import Params
from lifecycle.core.metrics import Measure
from lifecycle.core.reference import ACTUAL, PROBABILITIES
from lifecycle.core.target import is_class
from lifecycle.gate.policy import Policy
from lifecycle.monitoring import performance
from lifecycle.monitoring.performance import MetricInterval
from lifecycle.monitoring.reference_calibration import Calibration

DRAWS = 200
NOT_ESTIMATED = {"miscalibration"}  # it is what is assumed


def estimate(
    window: pd.DataFrame, reference: pd.DataFrame, policy: Policy, params: Params, today: datetime.date
) -> tuple[list[MetricInterval], bool]:
    """Return the metrics that gates.yaml limits as they are to be expected, and whether the probabilities had to be corrected for that.

    The interval is where the metric of these rows will lie, in 95% of cases, once all their labels are there: labels are drawn from the
    probabilities again and again, and the correction, if there is one, is fitted to resampled rows of the reference each time.

    Args:
        window: answers as the log has them, without labels.
        reference: the same of the reference, and `actual`.
        policy, params, today: as `performance.measure` takes them.

    Returns:
        No metric for a regression, whose predictions do not say how uncertain they are.
    """
    if params.task == "regression":
        return [], False
    generator = np.random.default_rng(params.seed)
    calibration = Calibration(probabilities(reference), outcomes(reference, params), generator)
    raw, measure = probabilities(window), of_each_class(window, params)
    expected = measure(calibration.corrected(raw).T.ravel())
    draws = [measure(_drawn(calibration.resampled(raw, generator), generator).T.ravel()) for _ in range(DRAWS)]
    estimated = []
    for name, floor in performance.limits(policy, today).items():
        values = np.array([draw.get(name, np.nan) for draw in draws])
        if name not in NOT_ESTIMATED and np.isfinite(expected.get(name, np.nan)) and np.isfinite(values).any():
            low, high = np.nanpercentile(values, [2.5, 97.5], method="weibull")  # as one more draw exceeds them
            value, low, high = (round(float(end), 6) for end in (expected[name], low, high))
            estimated.append(performance.judged(name, value, low, high, floor, 0))
    return estimated, calibration.is_off


def probabilities(rows: pd.DataFrame) -> np.ndarray:
    """Return the probability of each class, shape (rows, classes); of a binary task the positive one is the last."""
    if "probability" in rows:
        positive = rows["probability"].to_numpy(dtype=np.float64)
        return np.stack([1 - positive, positive], axis=1)
    return rows[[name for name in rows if str(name).startswith(PROBABILITIES)]].to_numpy(dtype=np.float64)


def outcomes(reference: pd.DataFrame, params: Params) -> np.ndarray:
    """Return the number of each row's class, in the order of `probabilities`, shape (rows,); -1 for a class that the model does not know."""
    actual = reference[ACTUAL]
    if "probability" in reference:
        return actual.map(lambda value: int(is_class(value, params.data.positive))).to_numpy()
    names = [str(name).removeprefix(PROBABILITIES) for name in reference if str(name).startswith(PROBABILITIES)]
    places = {value: [place for place, name in enumerate(names) if is_class(value, name)] for value in actual.unique()}
    return actual.map(lambda value: next(iter(places[value]), -1)).to_numpy()


def of_each_class(rows: pd.DataFrame, params: Params) -> Measure:
    """Return the measure of rows that are each there once for every class: all rows as of the first class, then as of the second, and so on."""
    scores = probabilities(rows)
    count, classes = scores.shape
    codes = np.repeat(np.arange(classes), count)
    if params.task == "multiclass":
        return metrics.multiclass(codes, np.tile(scores, (classes, 1)))
    label = metrics.labelled_positive(rows[["probability"]], params)
    return metrics.binary(codes == 1, np.tile(scores[:, 1], 2), np.tile(label, 2))


def _drawn(chances: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A class for each row, by its probabilities: 1 for the class that was drawn, else 0; shape (rows, classes)."""
    bounds = chances.cumsum(axis=1)[:, :-1]
    codes = (generator.random((len(chances), 1)) * chances.sum(axis=1, keepdims=True) >= bounds).sum(axis=1)
    return np.asarray(np.eye(chances.shape[1])[codes])
