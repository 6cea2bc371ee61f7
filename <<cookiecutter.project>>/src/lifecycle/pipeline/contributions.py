"""How much each raw column contributes to the prediction for one row: Shapley values, estimated by sampling.

As in Štrumbelj and Kononenko, Explaining prediction models and individual predictions with feature contributions, Knowledge and
Information Systems 41 (2014): a row of the background turns into the explained row, a column at a time in a random order, and what the
prediction changes at a column is a draw of its contribution. Each row of the background does so in an order and in the reverse
one, which halves the error or better (Mitchell et al., JMLR 23, 2022).

However few the draws, the contributions add up to the prediction minus its mean over the background, and a column that the model
ignores has exactly 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

CELLS = 40_000_000  # values that the model is given in all: of many columns, fewer rows of the background are used
FEWEST = 10  # rows of the background
BATCH_CELLS = 5_000_000  # at once


@dataclass(frozen=True)
class Contributions:
    """What each column adds to the prediction for a row."""

    prediction: float
    mean: float
    """The mean prediction for the background."""
    background: int
    """How many rows that is."""
    values: dict[str, float]
    """By column; their sum is `prediction - mean`, to within 1e-9 times the size of the predictions."""
    errors: dict[str, float]
    """The standard error of each, by sampling."""


def contributions(score: Callable[[pd.DataFrame], np.ndarray], rows: pd.DataFrame, seed: int) -> Contributions:
    """Return what each column contributes to the score of the first row, compared with the others.

    Args:
        score: rows in, a number for each out, shape (rows,).
        rows: the row to explain, then those of the background, at least two; their columns are those that the model takes.
        seed: of the orders.
    """
    columns = rows.shape[1]
    background = min(len(rows) - 1, max(CELLS // (2 * columns * (columns + 1)), FEWEST))
    generator = np.random.default_rng(seed)
    orders = np.array([generator.permutation(columns) for _ in range(background)])
    at_once = max(BATCH_CELLS // (2 * columns * (columns + 1)), 1)
    batches = [slice(start, start + at_once) for start in range(0, background, at_once)]
    scores = np.concatenate([_walk(score, rows, orders[batch], batch.start) for batch in batches])
    changes = np.diff(scores, axis=2)  # shape (background, 2, columns), in the order of each walk
    draws = np.empty((background, columns))
    for drawn, order, (forwards, backwards) in zip(draws, orders, changes, strict=True):
        drawn[order] = (forwards + backwards[::-1]) / 2
    names = list(map(str, rows))
    errors = draws.std(axis=0, ddof=1) / np.sqrt(background)
    return Contributions(
        prediction=float(scores[0, 0, -1]),
        mean=float(scores[:, 0, 0].mean()),
        background=background,
        values=dict(zip(names, draws.mean(axis=0).tolist(), strict=True)),
        errors=dict(zip(names, errors.tolist(), strict=True)),
    )


def _walk(
    score: Callable[[pd.DataFrame], np.ndarray], rows: pd.DataFrame, orders: np.ndarray, start: int
) -> np.ndarray:
    """The scores on the way from some rows of the background, from the one at `start` on, to the first row.

    Returns shape (rows of the background, 2 directions, columns + 1).
    """
    count, columns = orders.shape
    steps = np.stack([orders, orders[:, ::-1]], axis=1).argsort(axis=2)  # at which step each column turns
    turned = steps[:, :, None, :] < np.arange(columns + 1)[:, None]
    places = np.where(turned, 0, 1 + start + np.arange(count)[:, None, None, None]).reshape(-1, columns)
    mixed = {name: rows[name].array.take(places[:, position]) for position, name in enumerate(rows)}
    return np.asarray(score(pd.DataFrame(mixed)), dtype=np.float64).reshape(count, 2, columns + 1)
