"""Means over weighted rows, from which metrics are computed."""

from collections.abc import Callable

import numpy as np


def weighted_sums(**columns: np.ndarray) -> Callable[[np.ndarray], dict[str, float]]:
    """Return the function of row weights that gives the weighted mean of each column, of shape (rows,)."""
    stacked = np.stack([column.astype(np.float64) for column in columns.values()])

    def means(weights: np.ndarray) -> dict[str, float]:
        return dict(zip(columns, ((stacked @ weights) / weights.sum()).tolist(), strict=True))

    return means


def mean(values: list[float]) -> float:
    """Return the mean of the values that are defined, or NaN."""
    defined = [value for value in values if np.isfinite(value)]
    return sum(defined) / len(defined) if defined else float("nan")


def ratio(numerator: float, denominator: float, undefined: float = 0.0) -> float:
    """Return a ratio; `undefined`, if the denominator is 0."""
    return numerator / denominator if denominator > 0 else undefined
