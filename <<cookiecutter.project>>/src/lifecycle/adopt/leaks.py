"""Columns that give the target away, and columns that are copies of another."""

from typing import Any

import numpy as np
import pandas as pd

ROWS = 20_000  # of a sample that is tried
CELLS = 2_000_000  # of a sample of many columns
LEAK = 0.99  # score of a single column above which it gives the target away
HIGH = 0.95  # above which it is named


def single_column_scores(sample: pd.DataFrame, target: pd.Series, task: str, seed: int) -> dict[str, float]:
    """Return how well each column alone predicts the target of rows that were not used to fit it: 1 is perfect, 0 is chance.

    A decision tree on one column, cross-validated twice. The score is 2 · ROC AUC - 1 for two classes, the accuracy relative to
    that of the most frequent class for more, and R² for a regression.

    Args:
        sample: shape (rows, columns), of numbers; a missing value is NaN.
        target: shape (rows,), a number, or the number of the class.
        task: binary, multiclass or regression.
        seed: of the folds.
    """
    rows = min(len(sample), ROWS, max(CELLS // max(sample.shape[1], 1), 1000))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(sample))[:rows])
    sample, actual = sample.iloc[chosen], target.iloc[chosen].to_numpy()
    if task != "regression":
        actual = np.unique(actual, return_inverse=True)[1]
    scores = {}
    for name in sample:
        values = sample[[name]].to_numpy(dtype="float64")
        scores[str(name)] = _score(values, actual, task, seed) if np.unique(actual).size > 1 else 0.0
    return scores


def _score(values: np.ndarray, actual: np.ndarray, task: str, seed: int) -> float:
    from sklearn.metrics import r2_score, roc_auc_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
    tree = kind(min_samples_leaf=max(2, len(actual) // 500), random_state=seed)
    predicted = np.empty(len(actual))
    for fit, held_out in _folds(actual, task, seed):
        tree.fit(values[fit], actual[fit])
        predicted[held_out] = _predictions(tree, values[held_out], task)
    if task == "regression":
        return float(r2_score(actual, predicted))
    if task == "binary":
        return float(2 * roc_auc_score(actual, predicted) - 1)
    share = np.unique(actual, return_counts=True)[1].max() / len(actual)
    return float(((predicted == actual).mean() - share) / (1 - share))


def _predictions(tree: Any, values: np.ndarray, task: str) -> Any:
    """The predictions of a tree; of two classes the probability of the second."""
    if task != "binary":
        return tree.predict(values)
    return tree.predict_proba(values)[:, -1] if len(tree.classes_) == 2 else tree.classes_[0]


def _folds(actual: np.ndarray, task: str, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Two halves, with as many rows of each class in both: each is predicted by a tree fitted on the other one."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(actual))
    if task != "regression":
        order = order[np.argsort(actual[order], kind="stable")]
    first, second = np.sort(order[::2]), np.sort(order[1::2])
    return [(first, second), (second, first)]


def copies(sample: pd.DataFrame) -> dict[str, str]:
    """Return the columns whose values equal those of an earlier column in every row, and that earlier column."""
    first: dict[bytes, str] = {}
    copied_from: dict[str, str] = {}
    for name in sample:
        content = np.ascontiguousarray(sample[name].to_numpy(dtype="float64")).tobytes()
        if content in first:
            copied_from[str(name)] = first[content]
        first.setdefault(content, str(name))
    return copied_from
