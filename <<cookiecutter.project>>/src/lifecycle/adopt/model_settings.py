"""The estimator to begin with, and the columns for whose values metrics are computed separately."""

from typing import Any

import pyarrow.compute as pc

from lifecycle.adopt.columns import Column

FEW_ROWS = 1500
SIZES: list[tuple[float, dict[str, Any]]] = [
    (10_000, {"learning_rate": 0.05, "max_iter": 150, "max_leaf_nodes": 4, "min_samples_leaf": 20}),
    (100_000, {"learning_rate": 0.05, "max_iter": 200, "max_leaf_nodes": 15, "min_samples_leaf": 20}),
    (float("inf"), {"learning_rate": 0.1, "max_iter": 300, "max_leaf_nodes": 31, "min_samples_leaf": 100}),
]
"""Settings of boosted trees for at most so many rows."""
MANY_COLUMNS = 200
MAX_SLICES = 3
VALUES_OF_SLICE = (2, 8)
VALUES_OF_NUMBER = 3  # an integer with more is a count
TEST_ROWS_OF_SLICE = 30
TEST_SHARE = 0.2


def estimator(rows: int, inputs: int, task: str) -> tuple[str, dict[str, Any], str]:
    """Return the import path of an estimator, its parameters, and why.

    Boosted trees whose number and size grow with the rows; of many columns each split sees a share. A forest for few rows, because it
    does not overfit them.
    """
    kind = "Regressor" if task == "regression" else "Classifier"
    if rows < FEW_ROWS:
        leaf = max(2, min(5, rows // 100))
        why = f"{rows:,} rows are few: a forest overfits them less than boosting"
        return f"sklearn.ensemble.RandomForest{kind}", {"n_estimators": 200, "min_samples_leaf": leaf}, why
    size = next(size for most, size in SIZES if rows <= most)
    settings: dict[str, Any] = {**size, "l2_regularization": 1.0, "early_stopping": False}
    if inputs > MANY_COLUMNS:
        settings["max_features"] = 0.3
    return f"sklearn.ensemble.HistGradientBoosting{kind}", settings, f"{rows:,} rows × {inputs} columns"


def slices(columns: list[Column], rows: int) -> list[str]:
    """Return the columns to slice by: those with a few values, at least two of which have enough test rows.

    The columns whose rows are spread over their values most evenly come first, because their slices are largest.
    """
    spread = {}
    for column in columns:
        most = VALUES_OF_NUMBER if column.kind == "integer" else VALUES_OF_SLICE[1]
        few = column.distinct is not None and VALUES_OF_SLICE[0] <= column.distinct <= most
        if not few or column.kind not in ("category", "boolean", "integer") or column.form or column.useless:
            continue
        counts = sorted(
            (
                int(count)
                for count in pc.value_counts(column.values.combine_chunks().drop_null()).field("counts").to_pylist()
            ),
            reverse=True,
        )
        if counts[1] * TEST_SHARE >= TEST_ROWS_OF_SLICE:
            spread[column.name] = 1 - sum((count / rows) ** 2 for count in counts)  # Gini impurity
    return sorted(spread, key=lambda name: -spread[name])[:MAX_SLICES]
