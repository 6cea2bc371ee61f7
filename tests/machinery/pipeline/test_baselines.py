import json
import warnings

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import user_code
from lifecycle.core.config import Params
from lifecycle.pipeline import baselines as module
from lifecycle.pipeline.baselines import figures, predictions_of_baselines

CLASSES = {"binary": ["No", "Yes"], "multiclass": [f"class {i}.%" for i in range(30)]}


def of_task(params: Params, task: str) -> Params:
    data = params.data.model_copy(update={"id": "key", "target": "y", "positive": "Yes", "exclude": ["left out"]})
    return params.model_copy(update={"task": task, "data": data})


def baselines(train: pd.DataFrame, test: pd.DataFrame, params: Params) -> tuple[dict[str, dict[str, float]], str]:
    """The metrics of the baselines on test rows, whose target they are not given."""
    predictions, failure = predictions_of_baselines(train, test.drop(columns=params.data.target), params)
    return figures(predictions, test, params), failure


def table(task: str, rows: int = 600) -> pd.DataFrame:
    """Rows with an id, a target, features of several types with nulls, and a column that the model is not given."""
    generator = np.random.default_rng(3)
    position = np.arange(rows) % len(CLASSES.get(task, ["", ""]))
    target = np.array(CLASSES[task])[position] if task in CLASSES else position * 10.0 + generator.normal(size=rows)
    number = position + generator.normal(size=rows) * 0.5
    return pd.DataFrame(
        {
            "key": [f"k{i}" for i in range(rows)],
            "y": pd.Categorical(target) if task == "multiclass" else target,
            "a number": np.where(np.arange(rows) % 17 == 0, np.nan, number),
            "a.category": pd.Categorical(generator.choice(["x y", "z.w"], rows)),
            "flag": generator.integers(0, 2, rows).astype(bool),
            "left out": target,
        }
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_linear_model_beats_a_trivial_one_where_there_is_something_to_learn(task: str, params: Params) -> None:
    frame, loss = table(task), "rmse" if task == "regression" else "log_loss"

    found, failure = baselines(frame[:400], frame[400:], of_task(params, task))

    assert failure == ""
    assert list(found) == ["trivial", "linear"]
    assert set(found["trivial"]) == set(found["linear"])
    assert found["linear"][loss] < found["trivial"][loss]
    assert found["linear"][loss] > 0.001  # it was not given the column that is left out
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_same_rows_give_the_same_figures(task: str, params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, chosen = table(task), of_task(params, task)
    monkeypatch.setattr(module, "ROWS", 200)

    assert baselines(frame[:400], frame[400:], chosen) == baselines(frame[:400], frame[400:], chosen)


def test_a_sample_has_every_class(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table("multiclass")
    monkeypatch.setattr(module, "ROWS", 5)

    found, failure = baselines(frame[:400], frame[400:], of_task(params, "multiclass"))

    assert failure == ""
    assert np.isfinite(found["linear"]["log_loss"])


def test_a_test_side_that_lacks_a_class_is_measured_all_the_same(params: Params) -> None:
    frame = table("multiclass")
    rest = frame[400:]
    rest = rest[~rest["y"].isin(CLASSES["multiclass"][:7])]

    found, _ = baselines(frame[:400], rest, of_task(params, "multiclass"))

    assert 0.5 < found["linear"]["roc_auc"] <= 1
    assert found["trivial"]["roc_auc"] == 0.5


def test_a_linear_model_that_cannot_be_fitted_is_left_out_and_says_why(
    params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the preparation\nfails")

    monkeypatch.setattr(user_code, "get", lambda *_: fail)
    frame = table("binary")

    found, failure = baselines(frame[:400], frame[400:], of_task(params, "binary"))

    assert (found["linear"], failure) == ({}, "RuntimeError: the preparation fails")
    assert found["trivial"]["roc_auc"] == 0.5


def test_no_warning_reaches_the_terminal(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ITERATIONS", 1)
    frame = table("binary")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, failure = baselines(frame[:400], frame[400:], of_task(params, "binary"))

    assert failure == ""
    assert found["linear"]


@pytest.mark.parametrize(("kind", "positive"), [("int64", 1), ("bool", True)])
def test_a_target_may_be_a_number_or_a_boolean(kind: str, positive: object, params: Params) -> None:
    frame = table("binary")
    frame["y"] = (frame["y"] == "Yes").astype(kind)
    chosen = of_task(params, "binary")
    chosen = chosen.model_copy(update={"data": chosen.data.model_copy(update={"positive": positive})})

    found, failure = baselines(frame[:400], frame[400:], chosen)

    assert failure == ""
    assert found["linear"]["roc_auc"] > 0.8
