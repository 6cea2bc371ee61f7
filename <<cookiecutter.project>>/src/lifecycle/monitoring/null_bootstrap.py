"""How far apart chance alone sets the reference and a window of the same traffic, at the numbers of rows that are compared.

Both are drawn from the reference, with replacement and the columns together, many times (the bootstrap under the null
hypothesis); a column's bound is what it must exceed so that chance lifts *any* column above its own in a stated share of
windows only (the single-step maxT procedure of Westfall and Young, Resampling-Based Multiple Testing, 1993).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial.distance import jensenshannon

from lifecycle.monitoring.distances import SMALLEST, Column

DRAWS, EXCEEDING = 1000, 5  # at least so many, of which so many exceed the bound
AT_A_TIME = 100  # draws
USUAL = 0.95  # quantile, in which columns are made alike

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
    draws = max(DRAWS, math.ceil(EXCEEDING / rate))
    size = len(columns[0].reference)
    generator = np.random.default_rng(seed)
    measures = [_numerical(column) if column.kind == "numerical" else _categorical(column) for column in columns]
    found = np.empty((draws, len(columns)))
    for start in range(0, draws, AT_A_TIME):
        count = min(AT_A_TIME, draws - start)
        one, other = _drawn(generator, count, size, size), _drawn(generator, count, size, rows)
        for place, measure in enumerate(measures):
            found[start : start + count, place] = measure(one, other)
    usual = np.quantile(found, USUAL, axis=0)
    usual[usual == 0] = np.inf  # a constant column: nothing sets it apart
    largest = np.sort((found / usual).max(axis=1))
    # Were the window one draw more, it would be among the largest `rate` of them that often.
    factor = largest[math.ceil((draws + 1) * (1 - rate)) - 1]
    return np.where(np.isinf(usual), 0.0, factor * usual).tolist()


def _drawn(generator: np.random.Generator, draws: int, size: int, rows: int) -> np.ndarray:
    places = generator.integers(0, size, (draws, rows)) + size * np.arange(draws)[:, None]
    return np.bincount(places.ravel(), minlength=draws * size).reshape(draws, size).astype(np.float32)


def _categorical(column: Column) -> Distance:
    names, codes = np.unique(column.reference.to_numpy(dtype=str), return_inverse=True)
    member = np.eye(len(names), dtype=np.float32)[codes]

    def measure(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # of equal shares, the root of a little less than nothing
            return np.nan_to_num(jensenshannon(one @ member, other @ member, axis=1))

    return measure


def _numerical(column: Column) -> Distance:
    values = column.reference.to_numpy(dtype=np.float64)
    order = np.argsort(values, kind="stable")[: np.isfinite(values).sum()]  # NaN last
    points = values[order] - values[order].mean()
    gaps = np.diff(points)

    def measure(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        heights = [side[:, order] / np.maximum(side[:, order].sum(axis=1, keepdims=True), 1) for side in (one, other)]
        variance = heights[0] @ points**2 - (heights[0] @ points) ** 2
        apart = np.abs(np.cumsum(heights[0] - heights[1], axis=1)[:, :-1]) @ gaps
        return apart / np.maximum(np.sqrt(np.maximum(variance, 0)), SMALLEST)

    return measure
