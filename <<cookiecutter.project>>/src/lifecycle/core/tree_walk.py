"""Few rows through all trees of scikit-learn's gradient boosting at once.

The estimator calls its trees one after the other, which for a single row takes longer than all the rest of the prediction. Here numpy sends
the rows down all trees together. The leaves are added in the order of the trees, so that a prediction has the same bits.
"""

from typing import Any

import numpy as np

from lifecycle.core.tree_tables import TreeTables

FEW_STEPS = 150  # rows times depth: with more, the estimator's own compiled code is faster
ESTIMATORS = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")


def walk_at_once(estimator: Any) -> None:
    """Let a fitted estimator, or the one that it passes rows on to, predict few rows this way; any other is left as it is.

    Many rows are sent through tables of its trees (see tree_tables.py).

    It takes the place of a private method: scikit-learn's minor version is pinned, because a saved model is tied to it.
    """
    while type(estimator).__name__ == "EncodedLabels":
        estimator = estimator.estimator
    if type(estimator).__name__ not in ESTIMATORS or not hasattr(estimator, "_predict_iterations"):
        return
    trees, one_by_one = Trees(estimator), estimator._predict_iterations
    tables = TreeTables(trees)

    def predict_iterations(rows: np.ndarray, predictors: Any, raw: np.ndarray, is_binned: bool, threads: int) -> None:
        if not is_binned and len(rows) * trees.depth <= FEW_STEPS:
            raw[:] = trees.sums(rows, raw)
        elif not is_binned and tables.are_faster(len(rows)):
            tables.add(rows, raw)
        else:
            one_by_one(rows, predictors, raw, is_binned, threads)

    estimator._predict_iterations = predict_iterations


class Trees:
    """The nodes of all trees, one tree behind the other. A leaf is its own child."""

    def __init__(self, estimator: Any) -> None:
        """Read the trees of a fitted HistGradientBoosting estimator."""
        trees = [tree for of_iteration in estimator._predictors for tree in of_iteration]
        self.outputs = estimator.n_trees_per_iteration_
        sizes = [len(tree.nodes) for tree in trees]
        self.roots = np.cumsum([0, *sizes[:-1]])
        first, nodes = np.repeat(self.roots, sizes), np.concatenate([tree.nodes for tree in trees])
        leaf, own = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
        right, left = (np.where(leaf, own, nodes[side] + first) for side in ("right", "left"))
        self.children = np.column_stack([right, left]).ravel()
        self.feature = np.where(leaf, 0, nodes["feature_idx"]).astype(np.intp)
        self.threshold, self.value = nodes["num_threshold"].copy(), nodes["value"].copy()
        self.missing_left = nodes["missing_go_to_left"].astype(bool)
        self.depth = int(nodes["depth"].max())
        self.splits_categories = bool((nodes["is_categorical"].astype(bool) & ~leaf).any())
        if self.splits_categories:
            self._read_category_splits(estimator, trees, nodes, leaf)

    def _read_category_splits(self, estimator: Any, trees: list[Any], nodes: np.ndarray, leaf: np.ndarray) -> None:
        """As scikit-learn has them: a bit per category that goes left, and a bit per category that was known in training."""
        self.of_categories = nodes["is_categorical"].astype(bool) & ~leaf
        counts = [len(tree.raw_left_cat_bitsets) for tree in trees]
        first = np.repeat(np.cumsum([0, *counts[:-1]]), [len(tree.nodes) for tree in trees])
        self.left_set = np.where(self.of_categories, nodes["bitset_idx"] + first, 0)
        self.left_sets = np.concatenate([_bits(tree.raw_left_cat_bitsets) for tree in trees])
        known, place = estimator._bin_mapper.make_known_categories_bitsets()
        self.known, self.place_of_feature = _bits(known), place

    def sums(self, rows: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Return the sum over all trees.

        Args:
            rows: shape (rows, features), NaN where a value is missing.
            start: what is added to, shape (rows, outputs).

        Returns:
            shape (rows, outputs).
        """
        values, row_starts = rows.ravel(), np.arange(len(rows))[:, None] * rows.shape[1]
        some_missing = np.isnan(values).any()
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        for _ in range(self.depth):
            value = values.take(row_starts + self.feature.take(node))
            left = value <= self.threshold.take(node)
            if some_missing:
                left |= np.isnan(value) & self.missing_left.take(node)
            if self.splits_categories:
                left = np.where(self.of_categories.take(node), self._category_goes_left(value, node), left)
            node = self.children.take(2 * node + left)
        leaves = self.value.take(node).reshape(len(rows), -1, self.outputs)
        # One after the other, as the estimator adds them; numpy's sum would add in pairs and round otherwise.
        result: np.ndarray = np.cumsum(np.concatenate([start[:, None, :], leaves], axis=1), axis=1)[:, -1]
        return result

    def _category_goes_left(self, value: np.ndarray, node: np.ndarray) -> np.ndarray:
        """A category that is missing or was not known in training goes where missing values go."""
        valid = ~np.isnan(value) & (value >= 0) & (value < 256)
        category = np.where(valid, value, 0).astype(np.intp)
        known = valid & self.known[self.place_of_feature[self.feature[node]] % len(self.known), category]
        left: np.ndarray = np.where(known, self.left_sets[self.left_set[node], category], self.missing_left[node])
        return left


def _bits(sets: np.ndarray) -> np.ndarray:
    """Bitsets of shape (sets, 8) and type uint32 as booleans of shape (sets, 256)."""
    return np.unpackbits(np.ascontiguousarray(sets, dtype="<u4").view(np.uint8), axis=1, bitorder="little").astype(bool)
