"""How much a model depends on each raw column: how far its loss rises when the column is shuffled."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from lifecycle.core import metrics
from lifecycle.core.config import Params

ROWS, FEW_ROWS = 2000, 100  # a sample is enough to rank columns
REPEATS = 3
CELLS = 100_000_000
"""Values that the model is given in all: a wide table is content with fewer rows, then with one repeat."""
BATCH_CELLS = 10_000_000  # at once


def column_importance(
    predict: Callable[[pd.DataFrame], pd.DataFrame], names: list[str], frame: pd.DataFrame, params: Params
) -> dict[str, float]:
    """Return how much log loss (regression: RMSE) rises when a column is shuffled, by raw column (Breiman, 2001).

    Args:
        predict: returns the model's predictions for rows with those columns.
        names: the raw columns that the model takes.
        frame: rows with these columns and the target.
        params: the task, the target and the seed.
    """
    rows, repeats = _size(len(frame), len(names))
    sample = frame.sample(rows, random_state=params.seed)
    inputs, target = sample[names], sample[params.data.target]
    generator = np.random.default_rng(params.seed)
    orders = [(name, generator.permutation(rows)) for name in names for _ in range(repeats)]
    rises: dict[str, float] = dict.fromkeys(map(str, names), 0.0)
    loss = _loss(target, predict(inputs), params)
    at_once = max(BATCH_CELLS // (rows * len(names)), 1)
    for start in range(0, len(orders), at_once):
        batch = orders[start : start + at_once]
        predictions = predict(_shuffled(inputs, batch))
        for position, (name, _) in enumerate(batch):
            of_column = predictions.iloc[position * rows : (position + 1) * rows]
            rises[str(name)] += (_loss(target, of_column, params) - loss) / repeats
    return rises


def _size(rows: int, columns: int) -> tuple[int, int]:
    """How many rows to shuffle, and how often, so that a wide table does not take long."""
    per_row = columns**2
    repeats = REPEATS if per_row * ROWS * REPEATS <= CELLS else 1
    return min(rows, max(min(CELLS // per_row, ROWS), FEW_ROWS)), repeats


def _shuffled(inputs: pd.DataFrame, orders: list[tuple[str, np.ndarray]]) -> pd.DataFrame:
    """The rows once per order, each time with that one column shuffled: a call per column costs more than its rows."""
    rows = len(inputs)
    unchanged = np.tile(np.arange(rows), len(orders))
    columns = {}
    for name in inputs:
        taken = unchanged.copy()
        for position, (shuffled, order) in enumerate(orders):
            if shuffled == name:
                taken[position * rows : (position + 1) * rows] = order
        columns[name] = inputs[name].array.take(taken)
    return pd.DataFrame(columns)


def _loss(actual: pd.Series, predictions: pd.DataFrame, params: Params) -> float:
    """The log loss, or RMSE, of the predictions."""
    if params.task == "regression":
        error = predictions["prediction"].to_numpy() - actual.to_numpy(dtype=float)
        return float(np.mean(error**2) ** 0.5)
    one_hot, scores = metrics.one_hot_and_scores(actual, predictions, params)
    if params.task == "binary":
        one_hot, scores = np.hstack([one_hot, ~one_hot]), np.hstack([scores, 1 - scores])
    return float(-np.log(np.clip((scores * one_hot).sum(axis=1), metrics.EPSILON, None)).mean())
