"""Few rows and many get, bit by bit, the predictions that scikit-learn's own code gives them."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier

from lifecycle.core import tree_walk
from lifecycle.core.encoded_labels import EncodedLabels
from lifecycle.core.tree_tables import CHUNK, MANY_ROWS, MOST_SPLITS, TreeTables
from lifecycle.core.tree_walk import FEW_STEPS, Trees, walk_at_once

ROWS, FEATURES, CATEGORIES = 2000, 6, [4, 5]


def rows_like_training(seed: int, rows: int) -> np.ndarray:
    """Numbers, and two columns of codes, some of which are new or no code at all; some values are missing."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, FEATURES))
    matrix[:, 4], matrix[:, 5] = random.integers(0, 9, rows), random.integers(0, 120, rows)
    if seed:
        matrix[::7, 4:] += 200.0
        matrix[::11, 4:] = -3.0
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    return matrix


@pytest.fixture(scope="module")
def target() -> np.ndarray:
    rows = np.nan_to_num(rows_like_training(0, ROWS))
    noise = np.random.default_rng(2).normal(size=ROWS)
    signal: np.ndarray = 2 * rows[:, 0] + np.sin(rows[:, 1]) + 2 * (rows[:, 4] % 3 == 1) + np.cos(rows[:, 5]) + noise
    return signal


ESTIMATORS = {
    "regression": (HistGradientBoostingRegressor(max_iter=40), lambda signal: signal),
    "counts": (HistGradientBoostingRegressor(max_iter=10, loss="poisson"), np.abs),
    "categories": (HistGradientBoostingRegressor(max_iter=40, categorical_features=CATEGORIES), lambda signal: signal),
    "two classes": (HistGradientBoostingClassifier(max_iter=150, max_leaf_nodes=4), lambda signal: signal > 0),
    "three classes": (
        HistGradientBoostingClassifier(max_iter=20, categorical_features=CATEGORIES),
        lambda signal: np.digitize(signal, [-1, 1]),
    ),
    "one split": (HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=2), lambda signal: signal > 0),
    "texts as labels": (
        EncodedLabels(HistGradientBoostingClassifier(max_iter=10)),
        lambda signal: np.where(signal > 0, "yes", "no"),
    ),
}


@pytest.mark.parametrize(("estimator", "of_signal"), ESTIMATORS.values(), ids=ESTIMATORS)
def test_few_rows_have_the_predictions_of_the_estimators_own_code(
    estimator: Any, of_signal: Any, target: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator.fit(rows_like_training(0, ROWS), of_signal(target))
    ask = getattr(estimator, "predict_proba", estimator.predict)
    asked = rows_like_training(1, 120)
    calls: list[int] = []
    sums = Trees.sums
    monkeypatch.setattr(Trees, "sums", lambda self, rows, start: calls.append(len(rows)) or sums(self, rows, start))

    expected = ask(asked)
    assert not calls
    walk_at_once(estimator)
    alone = np.concatenate([ask(asked[[row]]) for row in range(len(asked))])
    in_threes = np.concatenate([ask(asked[row : row + 3]) for row in range(0, len(asked), 3)])

    assert calls == [1] * 120 + [3] * 40
    assert (alone == expected).all()
    assert (in_threes == expected).all()


@pytest.mark.parametrize(("estimator", "of_signal"), ESTIMATORS.values(), ids=ESTIMATORS)
def test_many_rows_have_the_predictions_of_the_estimators_own_code(
    estimator: Any, of_signal: Any, target: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator = clone(estimator).fit(rows_like_training(0, ROWS), of_signal(target))
    ask = getattr(estimator, "predict_proba", estimator.predict)
    rows = rows_like_training(1, CHUNK + MANY_ROWS)
    calls: list[int] = []
    add = TreeTables.add
    monkeypatch.setattr(TreeTables, "add", lambda self, rows, raw: calls.append(len(rows)) or add(self, rows, raw))

    expected = [ask(rows), ask(rows[:MANY_ROWS])]
    assert not calls
    walk_at_once(estimator)
    at_once = [ask(rows), ask(rows[:MANY_ROWS])]

    assert calls == [CHUNK + MANY_ROWS, MANY_ROWS]
    assert [rows.tobytes() for rows in at_once] == [rows.tobytes() for rows in expected]


def test_trees_of_many_splits_are_left_to_the_estimator(target: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = HistGradientBoostingRegressor(max_iter=2, max_leaf_nodes=MOST_SPLITS + 2, min_samples_leaf=1)
    estimator.fit(rows_like_training(0, ROWS), target)
    walk_at_once(estimator)
    monkeypatch.setattr(TreeTables, "add", lambda *_: pytest.fail("too many splits"))

    estimator.predict(rows_like_training(1, MANY_ROWS))


def test_some_rows_are_left_to_the_estimator(target: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = HistGradientBoostingRegressor(max_iter=5).fit(rows_like_training(0, ROWS), target)
    expected = estimator.predict(rows_like_training(1, FEW_STEPS + 1))
    walk_at_once(estimator)
    monkeypatch.setattr(Trees, "sums", lambda *_: pytest.fail("too many rows"))
    monkeypatch.setattr(TreeTables, "add", lambda *_: pytest.fail("too few rows"))

    assert (estimator.predict(rows_like_training(1, FEW_STEPS + 1)) == expected).all()


def test_an_estimator_of_another_kind_is_left_as_it_is(target: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_walk, "Trees", lambda *_: pytest.fail("no such trees"))
    forest = RandomForestClassifier(n_estimators=2).fit(rows_like_training(0, ROWS), target > 0)

    walk_at_once(forest)
