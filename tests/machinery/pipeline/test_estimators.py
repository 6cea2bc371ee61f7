"""Estimators of scikit-learn and of other libraries, for every task: trained, saved, loaded and asked to predict."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from lifecycle.core import model_file
from lifecycle.core.config import Params
from lifecycle.core.predict import predict
from lifecycle.pipeline.train import fit

TARGETS = {"binary": "churn", "multiclass": "contract", "regression": "monthly_charges"}
CLASSIFIERS: dict[str, dict[str, Any]] = {
    "sklearn.ensemble.HistGradientBoostingClassifier": {"max_iter": 20},
    "sklearn.ensemble.RandomForestClassifier": {"n_estimators": 10},
    "sklearn.ensemble.ExtraTreesClassifier": {"n_estimators": 10},
    "sklearn.ensemble.GradientBoostingClassifier": {"n_estimators": 10},
    "sklearn.linear_model.LogisticRegression": {"max_iter": 300},
    "sklearn.svm.SVC": {"probability": True},
    "sklearn.neighbors.KNeighborsClassifier": {},
    "sklearn.neural_network.MLPClassifier": {"max_iter": 10},
    "sklearn.calibration.CalibratedClassifierCV": {"cv": 3},
    "lightgbm.LGBMClassifier": {"n_estimators": 20},
    "xgboost.XGBClassifier": {"n_estimators": 20},
    "catboost.CatBoostClassifier": {"iterations": 20},
}
REGRESSORS: dict[str, dict[str, Any]] = {
    "sklearn.ensemble.HistGradientBoostingRegressor": {"max_iter": 20},
    "sklearn.ensemble.RandomForestRegressor": {"n_estimators": 10},
    "sklearn.linear_model.Ridge": {},
    "sklearn.linear_model.ElasticNet": {},
    "sklearn.svm.SVR": {},
    "sklearn.neighbors.KNeighborsRegressor": {},
    "sklearn.neural_network.MLPRegressor": {"max_iter": 10},
    "sklearn.compose.TransformedTargetRegressor": {},
    "lightgbm.LGBMRegressor": {"n_estimators": 20},
    "xgboost.XGBRegressor": {"n_estimators": 20},
    "catboost.CatBoostRegressor": {"iterations": 20},
}
CASES = [(task, name) for task in TARGETS for name in (REGRESSORS if task == "regression" else CLASSIFIERS)]
ROWS = 400

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(("task", "estimator"), CASES)
def test_it_is_the_same_model_again_saved_and_asked_row_by_row(
    table: pd.DataFrame, features: pd.DataFrame, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    task: str, estimator: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("lifecycle.core.predict.FEW_ROWS", 0)  # as many threads as there are, as with many rows
    if (library := estimator.partition(".")[0]) != "sklearn":
        pytest.importorskip(library, reason=f"{library} is not installed: tests/test_machinery.py installs it")
    params = of_task(params, task, estimator)
    inputs = [str(name) for name in table if name not in (params.data.id, params.data.target)]
    features, rows = features.head(ROWS), table[inputs].head(ROWS)

    first, second = (fitted_on(threads, features, inputs, params) for threads in (2, 1))
    for name, model in (("first", first), ("second", second)):
        model_file.save(model, tmp_path / name / "model.skops", params.package)

    assert (tmp_path / "first/model.skops").read_bytes() == (tmp_path / "second/model.skops").read_bytes()
    predictions = predict(model_file.load(tmp_path / "first/model.skops", params.package), rows, params)
    pd.testing.assert_frame_equal(predictions, predict(second, rows, params), check_exact=True)
    assert np.isfinite(predictions.select_dtypes("number")).all(axis=None)
    assert predictions.select_dtypes("number").nunique().min() > 1
    for size in (1, 7):
        batches = [predict(first, rows.iloc[start : start + size], params) for start in range(0, 3 * size, size)]
        alone, together = pd.concat(batches), predictions.head(3 * size)
        if "neural_network" in estimator:  # layers of matrix products: see docs/model.md
            pd.testing.assert_frame_equal(alone, together, rtol=0, atol=1e-12)
        else:
            pd.testing.assert_frame_equal(alone, together, check_exact=True)


def fitted_on(threads: int, features: pd.DataFrame, inputs: list[str], params: Params) -> Any:
    with threadpool_limits(threads):
        return fit(features, inputs, params)


def of_task(params: Params, task: str, estimator: str) -> Params:
    settings = (REGRESSORS if task == "regression" else CLASSIFIERS)[estimator]
    data = params.data.model_copy(update={"target": TARGETS[task]})
    train = params.train.model_copy(update={"estimator": estimator, "parameters": settings})
    return params.model_copy(update={"task": task, "data": data, "train": train})
