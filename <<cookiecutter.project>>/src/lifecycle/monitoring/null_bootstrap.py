"""How far apart the reference and a window of the same traffic lie by chance alone, at the numbers of rows that are compared.

Both are drawn from the reference, with replacement and the columns together, many times (the bootstrap under the null
hypothesis); a column's bound is what it must exceed so that chance lifts *any* column above its own in a stated share of
windows only (the single-step maxT procedure of Westfall and Young, Resampling-Based Multiple Testing, 1993).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial.distance import jensenshannon

from lifecycle.monitoring.distances import MIN_DEVIATION, Column

MIN_DRAWS, MIN_EXCEEDING = 1000, 5  # of the draws, at least so many exceed the bound
DRAWS_AT_A_TIME = 100
QUANTILE = 0.95  # by which the distances of a column are divided, to make columns comparable

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""How often each row of the reference was drawn into the reference and into the window, (draws, rows) each; distances out."""


def bounds(columns: Sequence[Column], rows: int, rate: float, seed: int) -> list[float]:
    """Return for every column the distance that chance exceeds, in any of them, in at most a share `rate` of windows.

    Args:
        columns: of the reference, all with the same rows.
        rows: of the window.
    """
    if not columns:
        return []
    draws = max(MIN_DRAWS, math.ceil(MIN_EXCEEDING / rate))
    size = len(columns[0].reference)
    generator = np.random.default_rng(seed)
    measures = [_numerical(column) if column.kind == "numerical" else _categorical(column) for column in columns]
    distances = np.empty((draws, len(columns)))
    for start in range(0, draws, DRAWS_AT_A_TIME):
        count = min(DRAWS_AT_A_TIME, draws - start)
        reference, window = _drawn(generator, count, size, size), _drawn(generator, count, size, rows)
        for place, measure in enumerate(measures):
            distances[start : start + count, place] = measure(reference, window)
    scale = np.quantile(distances, QUANTILE, axis=0)
    scale[scale == 0] = np.inf  # a constant column never differs
    largest = np.sort((distances / scale).max(axis=1))
    # The rank that one more draw, such as the window under the null hypothesis, exceeds with probability `rate`.
    factor = largest[math.ceil((draws + 1) * (1 - rate)) - 1]
    return [float(bound) for bound in np.where(np.isinf(scale), 0.0, factor * scale)]


def _drawn(generator: np.random.Generator, draws: int, size: int, rows: int) -> np.ndarray:
    places = generator.integers(0, size, (draws, rows)) + size * np.arange(draws)[:, None]
    counts = np.bincount(places.ravel(), minlength=draws * size)
    return np.asarray(counts.reshape(draws, size), dtype=np.float32)


def _categorical(column: Column) -> Distance:
    names, codes = np.unique(column.reference.to_numpy(dtype=str), return_inverse=True)
    member = np.eye(len(names), dtype=np.float32)[codes]

    def measure(reference: np.ndarray, window: np.ndarray) -> np.ndarray:
        # Rounding may take the root of a tiny negative number where shares are equal.
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nan_to_num(jensenshannon(reference @ member, window @ member, axis=1)))

    return measure


def _numerical(column: Column) -> Distance:
    values = column.reference.to_numpy(dtype=np.float64)
    order = np.argsort(values, kind="stable")[: np.isfinite(values).sum()]  # NaN last
    points = values[order] - values[order].mean()
    gaps = np.diff(points)

    def measure(reference: np.ndarray, window: np.ndarray) -> np.ndarray:
        counts = [side[:, order] for side in (reference, window)]
        heights = [side / np.maximum(side.sum(axis=1, keepdims=True), 1) for side in counts]
        variance = heights[0] @ points**2 - (heights[0] @ points) ** 2
        distance = np.abs(np.cumsum(heights[0] - heights[1], axis=1)[:, :-1]) @ gaps
        return np.asarray(distance / np.maximum(np.sqrt(np.maximum(variance, 0)), MIN_DEVIATION))

    return measure
