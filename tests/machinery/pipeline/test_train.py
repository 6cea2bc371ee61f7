"""Every estimator of the user's model.py, for every task: trained, saved, loaded and asked to predict."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import config, model_file, user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.predict import predict
from lifecycle.pipeline.train import fit

TARGETS = {"binary": "churn", "multiclass": "contract", "regression": "monthly_charges"}
ESTIMATORS = user_code.load(config.load().package, "model").ESTIMATORS
CASES = [
    (task, name) for task in TARGETS for name in ESTIMATORS["regression" if task == "regression" else "classification"]
]
SMALL = {"random_forest": {"n_estimators": 10, "min_samples_leaf": 5}, "hist_gradient_boosting": {"max_iter": 20}}


def of_task(params: Params, task: str, estimator: str) -> Params:
    data = params.data.model_copy(update={"target": TARGETS[task]})
    train = params.train.model_copy(update={"estimator": estimator, **SMALL})
    return params.model_copy(update={"task": task, "data": data, "train": train})


def with_estimator(params: Params, name: str, **settings: object) -> Params:
    return params.model_copy(update={"train": params.train.model_copy(update={"estimator": name, name: settings})})


@pytest.mark.parametrize(("task", "estimator"), CASES)
def test_a_saved_model_predicts_from_raw_rows_what_the_fitted_one_predicts_from_features(
    table: pd.DataFrame, features: pd.DataFrame, params: Params, tmp_path: Path, task: str, estimator: str
) -> None:
    params = of_task(params, task, estimator)
    inputs = [str(name) for name in table if name not in (params.data.id, params.data.target)]
    fitted = fit(features, inputs, params)
    model_file.save(fitted, tmp_path / "model.skops", params.package)

    loaded = model_file.load(tmp_path / "model.skops", params.package)

    without_features = fitted[1:]
    predictions = predict(loaded, table[inputs], params)
    if task == "regression":
        actual, expected = predictions["prediction"], without_features.predict(features)
    else:
        actual, expected = predictions.filter(regex="^probability"), without_features.predict_proba(features)
    if task == "binary":
        expected = expected[:, [list(fitted.classes_).index(params.data.positive)]]
    np.testing.assert_array_equal(actual.to_numpy(), expected)
    for rows, total in ((1, 16), (2, 16), (7, 70), (64, 130)):  # alone or in company: the same, bit for bit
        parts = [predict(loaded, table[inputs].iloc[start : start + rows], params) for start in range(0, total, rows)]
        together = pd.concat(parts).head(total)
        pd.testing.assert_frame_equal(together, predictions.head(total), check_exact=True, check_categorical=False)


@pytest.mark.parametrize(("task", "estimator"), CASES)
def test_equal_models_are_equal_bytes(
    table: pd.DataFrame, features: pd.DataFrame, params: Params, tmp_path: Path, task: str, estimator: str
) -> None:
    params = of_task(params, task, estimator)
    inputs = [str(name) for name in table if name not in (params.data.id, params.data.target)]

    for name in ("first", "second"):
        model_file.save(fit(features, inputs, params), tmp_path / name, params.package)

    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_settings_that_do_not_go_together_are_a_persons_mistake(
    features: pd.DataFrame, inputs: list[str], params: Params
) -> None:
    params = with_estimator(params, "random_forest", max_samples=0.5, bootstrap=False)

    with pytest.raises(ConfigError, match=r"params\.yaml: train\.random_forest: "):
        fit(features, inputs, params)


def test_early_stopping_by_a_score_can_be_saved(
    features: pd.DataFrame, inputs: list[str], params: Params, tmp_path: Path
) -> None:
    params = with_estimator(params, "hist_gradient_boosting", max_iter=5, early_stopping=True, scoring="roc_auc")

    model_file.save(fit(features, inputs, params), tmp_path / "model.skops", params.package)

    assert model_file.load(tmp_path / "model.skops", params.package)


def column(values: list[Any], dtype: str) -> pd.Series:
    return pd.Series([values[number % len(values)] for number in range(120)], dtype=dtype)


AWKWARD = {
    "constant": column([1.0], "float64"),
    "no value": column([None], "float64"),
    "no integer": column([None], "Int64"),
    "no boolean": column([None], "boolean"),
    "no text": column([None], "str"),
    "no category": column([None], "category"),
    "50 % of.it": column([1, None, 3], "Int64"),
    "true": column([True, None, False], "boolean"),
    "1e3": column([True, False], "bool"),
    'a "quoted" näme': column(["x", None, "y"], "str"),
    "text": column(["x", None, "y"], "string[pyarrow]"),
    "index": column(["x", None, "y"], "category"),
    "size": column(["2026-01-01", None, "2025-01-01"], "datetime64[ns]"),
    "zone": column(["2026-01-01"], "datetime64[ns, UTC]"),
    "small": column([1, 2, 3], "int8"),
}


@pytest.mark.parametrize(("task", "estimator"), CASES)
def test_every_type_of_column_can_be_given_to_every_estimator(
    params: Params, monkeypatch: pytest.MonkeyPatch, task: str, estimator: str
) -> None:
    monkeypatch.setattr(user_code.load(params.package, "features"), "build_features", lambda frame: frame)
    targets = {"binary": ["No", "Yes"], "multiclass": ["a", "b", "c"], "regression": [1.5, 2.5, 4.0]}[task]
    frame = pd.DataFrame({"id": range(120), **AWKWARD, "target": [targets[n % len(targets)] for n in range(120)]})
    params = of_task(params, task, estimator)
    data = params.data.model_copy(update={"id": "id", "target": "target", "exclude": ["small"], "positive": "Yes"})
    params = params.model_copy(update={"data": data})

    fitted = fit(frame, data.inputs(frame), params)
    predictions = predict(fitted, frame[data.inputs(frame)], params)

    assert "small" not in fitted.feature_names_in_
    assert predictions.select_dtypes("number").notna().all(axis=None)
