"""Weak slices: groups of rows, named by nobody before, in which the model errs more than it says.

They are searched on validation rows and measured on test rows, which the search has not seen. A slice is what one or two
conditions describe, as in Slice Finder (Chung et al., ICDE 2019) and SliceLine (Sagadeeva and Boehm, SIGMOD 2021). Those look for
a high loss, and so find rows that nobody could predict. Here a classifier's log loss is compared with the one that its own
probabilities lead to expect. A regression has no such expectation: its absolute error is compared with that of the other rows.

So many slices are looked at that some are bad by chance. One is listed only if it is worse than the worst slice in 95 of 100
tables without any weak slice: those whose classes are drawn from the probabilities, or whose errors are shuffled. So the chance
to list any slice of a model that has none is 5% (the single-step max-statistic procedure, Westfall and Young, Resampling-Based
Multiple Testing, 1993).
"""

from typing import Any

import numpy as np
import pandas as pd

from lifecycle.core import metrics, predict
from lifecycle.core.config import Params
from lifecycle.core.metrics import MeasureOf
from lifecycle.pipeline.slice_conditions import Condition, conditions

ROWS = 5000  # validation rows, at most, that are searched
FEWEST, SHARE = 40, 0.02  # rows of a slice: so many, and this share of all
TABLES, LEVEL = 200, 0.05
OVERLAP = 0.5  # of the rows of two slices, above which only the worse one is listed
LISTED = 5

Slice = tuple[Condition, ...]
Numbers = tuple[int, ...]
"""The numbers of the conditions of a slice."""


def search(
    frame: pd.DataFrame, predictions: pd.DataFrame, columns: list[str], params: Params
) -> tuple[list[Slice], dict[str, int]]:
    """Return the weak slices, the most certain first, and how many `rows` and `slices` were searched.

    Args:
        frame: validation rows, with the target.
        predictions: of the model for them.
        columns: those that conditions may be about.
        params: the task, and the seed of the sample and the draws.
    """
    generator = np.random.default_rng(params.seed)
    chosen = np.sort(generator.permutation(len(frame))[:ROWS])
    frame, predictions = frame.iloc[chosen], predictions.iloc[chosen]
    fewest = max(FEWEST, int(np.ceil(SHARE * len(frame))))
    usable, held = conditions(frame, columns, fewest)
    scores, worst = _scores(usable, held, *_excess_in_tables(frame, predictions, params, generator), fewest)
    certain = np.quantile(worst, 1 - LEVEL)
    ranked = sorted((-round(score, 6), numbers) for numbers, score in scores.items() if score > certain)
    listed: dict[Numbers, np.ndarray] = {}
    for _, numbers in ranked:
        mask = np.logical_and.reduce(held[list(numbers)])
        if len(listed) < LISTED and all(
            (mask & rows).sum() <= OVERLAP * (mask | rows).sum() for rows in listed.values()
        ):
            listed[numbers] = mask
    slices = [tuple(usable[i] for i in numbers) for numbers in listed]
    return slices, {"rows": len(frame), "slices": len(scores)}


def measured(
    slices: list[Slice],
    frame: pd.DataFrame,
    predictions: pd.DataFrame,
    params: Params,
    own: MeasureOf | None = None,
) -> dict[str, dict[str, Any]]:
    """Return slice → `rows`, metrics, and `excess`: how much more the loss exceeds what is expected than on the other rows.

    Args:
        slices: as found on other rows.
        frame: test rows, with the target.
        predictions: of the model for them.
        params: the task.
        own: the measure of the user's metrics.
    """
    excess, _ = _excess(frame, predictions, params)
    results: dict[str, dict[str, Any]] = {}
    for of_slice in slices:
        inside = np.all([condition.holds(frame) for condition in of_slice], axis=0)
        rows, name = int(inside.sum()), " and ".join(condition.text for condition in of_slice)
        results[name] = {"rows": rows}
        if 1 < rows < len(frame) - 1:
            measure = metrics.measure(frame.loc[inside, params.data.target], predictions[inside], params, own)
            results[name] |= {**metrics.point(measure, rows), "excess": _difference(excess[inside], excess[~inside])}
    return results


def _excess(frame: pd.DataFrame, predictions: pd.DataFrame, params: Params) -> tuple[np.ndarray, np.ndarray]:
    """By how much the log loss of each row exceeds the expected one (regression: its absolute error), and the variance of that."""
    actual = frame[params.data.target]
    if params.task == "regression":
        error = np.abs(predictions["prediction"].to_numpy() - actual.to_numpy(dtype=float))
        return error, np.full(len(error), error.var())
    one_hot, scores = metrics.one_hot_and_scores(actual, predictions, params)
    if params.task == "binary":
        one_hot, scores = np.hstack([one_hot, ~one_hot]), np.hstack([scores, 1 - scores])
    losses = -np.log(np.clip(scores, metrics.EPSILON, None))
    expected = (scores * losses).sum(axis=1)
    return (one_hot * losses).sum(axis=1) - expected, (scores * losses**2).sum(axis=1) - expected**2


def _excess_in_tables(
    frame: pd.DataFrame, predictions: pd.DataFrame, params: Params, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The excess, shape (rows, 1 + TABLES), in this table and in those without weak slices, each of mean 0; and its variance."""
    excess, variance = _excess(frame, predictions, params)
    if params.task == "regression":
        tables = [excess, *(generator.permutation(excess) for _ in range(TABLES))]
    else:
        _, scores = metrics.one_hot_and_scores(frame[params.data.target], predictions, params)
        scores = np.hstack([scores, 1 - scores]) if params.task == "binary" else scores
        losses = -np.log(np.clip(scores, metrics.EPSILON, None))
        expected, bounds = (scores * losses).sum(axis=1), scores.cumsum(axis=1)[:, :-1]
        drawn = ((generator.random(len(excess))[:, None] > bounds).sum(axis=1) for _ in range(TABLES))
        tables = [excess, *(losses[np.arange(len(excess)), classes] - expected for classes in drawn)]
    stacked = np.stack(tables, axis=1)
    return stacked - stacked.mean(axis=0), variance


def _scores(
    usable: list[Condition], held: np.ndarray, excess: np.ndarray, variance: np.ndarray, fewest: int
) -> tuple[dict[Numbers, float], np.ndarray]:
    """The score of each slice, the sum of its excess in standard deviations; and the highest in each table without weak slices."""
    scores, worst = dict[Numbers, float](), np.zeros(TABLES)
    with predict.threads(0):  # one: the sums of linear algebra must not depend on their number
        for i, condition in enumerate(usable):
            others = [j for j in range(i + 1, len(usable)) if usable[j].column != condition.column]
            masks = np.vstack([held[i], held[i] & held[others]])
            enough = masks.sum(axis=1) >= fewest
            masks = masks[enough].astype(np.float64)
            share = masks.mean(axis=1)
            # The variance of a sum from which its share of the sum over all rows is taken off.
            of_sums = (1 - 2 * share) * (masks @ variance) + share**2 * variance.sum()
            of_tables = (masks @ excess) / np.sqrt(of_sums + metrics.EPSILON)[:, None]
            worst = np.maximum(worst, of_tables[:, 1:].max(axis=0))
            slices = [(i,), *((i, j) for j in others)]
            numbers = [slices[place] for place in np.flatnonzero(enough)]
            scores |= dict(zip(numbers, of_tables[:, 0].tolist(), strict=True))
    return scores, worst


def _difference(inside: np.ndarray, outside: np.ndarray) -> dict[str, float]:
    """The difference of two means, with its 95% interval by Welch's approximation for large samples."""
    difference = inside.mean() - outside.mean()
    error = 1.96 * np.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside))
    ends = {"value": difference, "low": difference - error, "high": difference + error}
    return {name: round(float(value), 6) for name, value in ends.items()}
