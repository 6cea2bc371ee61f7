"""Miscalibration: how much of a squared error is due to predictions that do not mean what they say."""

from collections.abc import Callable

import numpy as np


def miscalibration(predicted: np.ndarray, actual: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return the miscalibration as a function of row weights; rows are sorted once.

    It is the mean squared error (of probabilities: the Brier score) minus that of the same predictions after isotonic
    recalibration, the MCB of the CORP decomposition (Dimitriadis, Gneiting and Jordan, PNAS 118, 2021, e2016191118). It is
    never negative, and a little above zero even if the predictions are calibrated, because the recalibration fits the rows.

    Args:
        predicted: shape (rows,), probabilities of a class, or means.
        actual: shape (rows,), whether the row is of that class, or its value.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(predicted, kind="stable")
    in_order, outcome = predicted[order], actual[order].astype(np.float64)
    starts = np.flatnonzero(np.append(True, np.diff(in_order) != 0))  # the first row of each run of equal predictions
    forecast = in_order[starts]

    def measure(weights: np.ndarray) -> float:
        weight = weights[order]
        in_run = np.add.reduceat(weight, starts)
        drawn = in_run > 0
        in_run = in_run[drawn]
        mean = np.add.reduceat(weight * outcome, starts)[drawn] / in_run
        recalibrated = isotonic_regression(mean, weights=in_run).x
        # The error within a run is the same on both sides, and left out.
        excess = (forecast[drawn] - mean) ** 2 - (recalibrated - mean) ** 2
        return max(float(np.dot(in_run, excess) / in_run.sum()), 0.0)

    return measure
