"""ROC AUC and average precision, as functions of row weights."""

from collections.abc import Callable

import numpy as np


def ranking(positive: np.ndarray, score: np.ndarray) -> Callable[[np.ndarray], tuple[float, float]]:
    """Return ROC AUC (Mann-Whitney, ties count half) and average precision (not interpolated); rows are sorted once.

    Args:
        positive: shape (rows,), True where the row is of the class.
        score: shape (rows,), of the class.
    """
    order = np.argsort(score, kind="stable")
    hit = positive[order].astype(np.float64)
    starts = np.flatnonzero(np.append(True, np.diff(score[order]) != 0))  # the first row of each run of equal scores

    def measure(weights: np.ndarray) -> tuple[float, float]:
        weight = weights[order]
        positives = np.add.reduceat(weight * hit, starts)
        in_all = np.add.reduceat(weight, starts)
        hits, rows = np.cumsum(positives[::-1])[::-1], np.cumsum(in_all[::-1])[::-1]  # at this score or above
        total, negatives = hits[0], rows[0] - hits[0]
        if not (total > 0 and negatives > 0):
            return float("nan"), float("nan")
        auc = np.dot(in_all - positives, hits - positives / 2) / (total * negatives)
        with np.errstate(invalid="ignore"):  # 0 / 0 above the highest score that was drawn
            precision = np.nan_to_num(hits / rows, copy=False)
        return float(auc), float(np.dot(precision, positives) / total)

    return measure
