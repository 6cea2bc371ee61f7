"""How good the best of many trials really is: the best of many looks better than it is, because chance has helped it."""

import numpy as np

from lifecycle.core.metrics import Measure

RESAMPLES = 200
TRIALS = 200  # at most, that are compared again: the best


def corrected(measures: list[Measure], metric: str, rows: int, sign: int, seed: int) -> dict[str, float]:
    """Return the metric of the best trial without the advantage that the choice gives it: `value`, and a 95% interval `low` to `high`.

    Each resample of rows chooses the best trial, which is then measured on the rows that it did not draw (BBC-CV; Tsamardinos,
    Greasidou and Borboudakis, Machine Learning 107, 2018).

    Args:
        measures: of the predictions of each trial for the same rows.
        metric: by which they are compared.
        rows: how many.
        sign: 1 if higher is better, -1 if lower.
        seed: of the resamples.
    """
    generator = np.random.default_rng(seed)
    outside = []
    for _ in range(RESAMPLES):
        weights = np.bincount(generator.integers(0, rows, rows), minlength=rows).astype(np.float64)
        values = np.array([sign * measure(weights)[metric] for measure in measures])
        if np.isfinite(values).any():
            outside.append(measures[int(np.nanargmax(values))]((weights == 0).astype(np.float64))[metric])
    low, high = np.nanpercentile(outside, [2.5, 97.5])
    return {
        name: round(float(value), 6) for name, value in (("value", np.nanmean(outside)), ("low", low), ("high", high))
    }
