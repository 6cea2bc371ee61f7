"""What training refuses, and the columns that it takes; test_estimators.py has the estimators."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lifecycle.core import model_file, user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.predict import predict
from lifecycle.pipeline.train import fit

CASES = [
    ("binary", "sklearn.ensemble.HistGradientBoostingClassifier"),
    ("binary", "sklearn.linear_model.LogisticRegression"),
    ("multiclass", "sklearn.ensemble.RandomForestClassifier"),
    ("regression", "sklearn.ensemble.HistGradientBoostingRegressor"),
    ("regression", "sklearn.linear_model.Ridge"),
]


def with_estimator(params: Params, name: str, **settings: object) -> Params:
    return params.model_copy(
        update={"train": params.train.model_copy(update={"estimator": name, "parameters": settings})}
    )


def test_settings_that_do_not_go_together_are_a_persons_mistake(
    features: pd.DataFrame, inputs: list[str], params: Params
) -> None:
    params = with_estimator(params, "sklearn.ensemble.RandomForestClassifier", max_samples=0.5, bootstrap=False)

    with pytest.raises(ConfigError, match=r"params\.yaml: train\.parameters: "):
        fit(features, inputs, params)


def test_early_stopping_by_a_score_can_be_saved(
    features: pd.DataFrame, inputs: list[str], params: Params, tmp_path: Path
) -> None:
    params = with_estimator(
        params, "sklearn.ensemble.HistGradientBoostingClassifier", max_iter=5, early_stopping=True, scoring="roc_auc"
    )

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
    params = with_estimator(params, estimator).model_copy(update={"task": task})
    data = params.data.model_copy(update={"id": "id", "target": "target", "exclude": ["small"], "positive": "Yes"})
    params = params.model_copy(update={"data": data})

    fitted = fit(frame, data.inputs(frame), params)
    predictions = predict(fitted, frame[data.inputs(frame)], params)

    assert "small" not in fitted.feature_names_in_
    assert predictions.select_dtypes("number").notna().all(axis=None)
