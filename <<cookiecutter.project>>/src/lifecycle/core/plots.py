"""The data of `dvc plots show`: short lists of points on fixed grids, so that two revisions can be compared."""

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

Points = list[dict[str, Any]]

GRID = np.linspace(0, 1, 101)
BINS = 10


def roc(one_hot: np.ndarray, scores: np.ndarray) -> Points:
    """True positive rate over false positive rate, averaged over the classes that some rows are of and others are not.

    No points if there is no such class.

    Args:
        one_hot: shape (rows, classes), True where the row is of the class. A binary task has one column.
        scores: shape (rows, classes).
    """
    curves = []
    for actual, score in _defined(one_hot, scores):
        false_positive, true_positive, _ = roc_curve(actual, score)
        curves.append(np.interp(GRID, false_positive, true_positive))
    return _points(false_positive_rate=GRID, true_positive_rate=np.mean(curves, axis=0), chance=GRID) if curves else []


def precision_recall(one_hot: np.ndarray, scores: np.ndarray) -> Points:
    """Precision over recall, averaged over the same classes; shapes as in `roc`."""
    curves = []
    for actual, score in _defined(one_hot, scores):
        precision, recall, _ = precision_recall_curve(actual, score)
        curves.append(np.interp(GRID, recall[::-1], precision[::-1]))
    return _points(recall=GRID, precision=np.mean(curves, axis=0)) if curves else []


def calibration(predicted: np.ndarray, actual: np.ndarray) -> Points:
    """Mean prediction and mean outcome in bins of equal size, by prediction; both arrays have shape (rows,)."""
    order = np.argsort(predicted, kind="stable")
    bins = [rows for rows in np.array_split(order, BINS) if len(rows)]
    means = [(predicted[rows].mean(), actual[rows].mean()) for rows in bins]
    x, y = np.array(means, dtype=float).T
    return _points(predicted=x, actual=y)


def histogram(values: np.ndarray, groups: np.ndarray, bounds: tuple[float, float]) -> Points:
    """Share of each group's values per bin; `values` and `groups` have shape (rows,)."""
    points: Points = []
    for group in sorted({str(name) for name in groups}):
        counts, edges = np.histogram(values[groups.astype(str) == group], bins=25, range=bounds)
        shares = counts / max(counts.sum(), 1)
        points += [{"group": group, **point} for point in _points(value=(edges[:-1] + edges[1:]) / 2, share=shares)]
    return points


def confusion(actual: np.ndarray, predicted: np.ndarray) -> Points:
    """How many rows of each actual class are predicted as each class."""
    names = sorted({str(name) for name in actual} | {str(name) for name in predicted})
    counts = confusion_matrix(actual.astype(str), predicted.astype(str), labels=names)
    return [
        {
            "actual": row,
            "predicted": column,
            "rows": int(counts[i, j]),
            "share": round(float(counts[i, j] / max(counts[i].sum(), 1)), 4),
        }
        for i, row in enumerate(names)
        for j, column in enumerate(names)
    ]


def importance(means: dict[str, float]) -> Points:
    """How much the loss rises when a column is shuffled, largest first."""
    return [
        {"column": name, "importance": round(value, 6)}
        for name, value in sorted(means.items(), key=lambda item: -item[1])
    ]


def _defined(one_hot: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Whether each row is of a class, and its score, for the classes that some rows are of and others are not."""
    pairs = zip(one_hot.T, scores.T, strict=True)
    return [(actual, score) for actual, score in pairs if actual.any() and not actual.all()]


def _points(**columns: np.ndarray) -> Points:
    rows = zip(*(np.round(column, 5).tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]
