from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from lifecycle.core.config import Params
from lifecycle.core.predict import predict
from lifecycle.pipeline import importance
from lifecycle.pipeline.importance import column_importance


def of_task(params: Params, task: str) -> Params:
    data = params.data.model_copy(update={"id": "key", "target": "y", "positive": "c1"})
    return params.model_copy(update={"task": task, "data": data})


def importance_of(model: Pipeline, frame: pd.DataFrame, params: Params) -> dict[str, float]:
    return column_importance(partial(predict, model, params=params), list(model.feature_names_in_), frame, params)


def case(task: str, columns: int = 4, rows: int = 300) -> tuple[Pipeline, pd.DataFrame]:
    """A linear model and its rows; the first column decides the target."""
    values = np.random.default_rng(0).normal(size=(rows, columns))
    names = [f"column {i}.%" for i in range(columns)]
    labels = np.char.add("c", np.clip((values[:, 0] * 1.2 + 1.5).astype(int), 0, 2).astype(str))
    if task == "binary":
        labels = np.where(labels == "c1", "c1", "c0")
    target = values[:, 0] * 3 if task == "regression" else labels
    frame = pd.DataFrame(values, columns=names)
    estimator = (Ridge() if task == "regression" else LogisticRegression()).fit(values, target)
    take = FunctionTransformer(lambda inputs: inputs.to_numpy()).fit(frame)
    return Pipeline([("take", take), ("estimator", estimator)]), frame.assign(y=target)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_the_column_that_decides_matters_most_and_others_hardly(task: str, params: Params) -> None:
    model, frame = case(task)

    rises = importance_of(model, frame, of_task(params, task))

    assert list(rises) == ["column 0.%", "column 1.%", "column 2.%", "column 3.%"]
    assert rises["column 0.%"] > 0.3
    assert all(abs(rise) < 0.05 for name, rise in rises.items() if name != "column 0.%")
    assert rises == importance_of(model, frame, of_task(params, task))


def test_columns_shuffled_together_give_what_they_give_one_by_one(
    params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, frame = case("binary")
    together = importance_of(model, frame, of_task(params, "binary"))
    monkeypatch.setattr(importance, "BATCH_CELLS", 1)

    assert importance_of(model, frame, of_task(params, "binary")) == pytest.approx(together)


def test_rows_that_lack_a_class_are_no_obstacle(params: Params) -> None:
    model, frame = case("multiclass")

    rises = importance_of(model, frame[frame["y"] != "c1"], of_task(params, "multiclass"))

    assert np.isfinite(list(rises.values())).all()


@pytest.mark.parametrize(
    ("columns", "rows", "repeats"), [(20, 2000, 3), (120, 2000, 3), (200, 2000, 1), (1000, 100, 1), (3000, 100, 1)]
)
def test_a_wide_table_is_content_with_fewer_rows_and_one_repeat(columns: int, rows: int, repeats: int) -> None:
    assert importance._size(10_000, columns) == (rows, repeats)
    assert importance._size(50, columns) == (50, repeats)
