"""Probabilities corrected by train.calibration."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from lifecycle.core import metrics, model_file
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.predict import predict
from lifecycle.pipeline.calibration import FOLDS, calibrated, described, uncalibrated
from lifecycle.pipeline.train import fit


def by(params: Params, method: str, estimator: str, **parameters: object) -> Params:
    train = {"calibration": method, "estimator": estimator, "parameters": parameters}
    return params.model_copy(update={"train": params.train.model_copy(update=train)})


def test_an_overconfident_model_becomes_calibrated(features: pd.DataFrame, inputs: list[str], params: Params) -> None:
    params = by(params, "sigmoid", "sklearn.tree.DecisionTreeClassifier")  # its probabilities are 0 and 1
    train, test = features.head(1000), features.tail(500)

    model = fit(train, inputs, params)

    without = uncalibrated(model, params)
    assert isinstance(without, Pipeline)
    before, after = (
        metrics.point(metrics.measure(test[params.data.target], predict(side, test, params), params), len(test))
        for side in (without, model)
    )
    assert after["log_loss"] < before["log_loss"] / 2
    assert after["miscalibration"] < before["miscalibration"] / 2
    assert described(model[-1], params) == "DecisionTreeClassifier, calibrated (sigmoid)"


@pytest.mark.parametrize(
    ("method", "estimator", "settings"),
    [
        ("sigmoid", "sklearn.svm.LinearSVC", {}),  # without probabilities of its own
        ("isotonic", "sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 10}),
        ("temperature", "sklearn.linear_model.LogisticRegression", {"max_iter": 300}),
        ("isotonic", "xgboost.XGBClassifier", {"n_estimators": 10}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_it_is_saved_and_asked_like_any_other(
    features: pd.DataFrame, inputs: list[str], params: Params, tmp_path: Path, method: str, estimator: str, settings: dict[str, object],
) -> None:  # fmt: skip
    if (library := estimator.partition(".")[0]) != "sklearn":
        pytest.importorskip(library, reason=f"{library} is not installed: tests/test_machinery.py installs it")
    params = by(params, method, estimator, **settings)

    for name in ("first", "second"):
        model_file.save(fit(features, inputs, params), tmp_path / name / "model.skops", params.package)

    first, second = (tmp_path / name / "model.skops" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    model, rows = model_file.load(first, params.package), features.head(100)
    together = predict(model, rows, params)
    alone = pd.concat([predict(model, rows.iloc[[place]], params) for place in range(20)])
    pd.testing.assert_frame_equal(alone, together.head(20), check_exact=True)
    assert together["probability"].between(0, 1).all()
    assert (uncalibrated(model, params) is None) == (estimator == "sklearn.svm.LinearSVC")


def test_rows_of_a_group_are_in_one_fold(features: pd.DataFrame, inputs: list[str], params: Params) -> None:
    frame = features.assign(household=np.arange(len(features)) // 3)
    split = params.split.model_copy(update={"group": "household"})
    params = by(params, "sigmoid", "sklearn.tree.DecisionTreeClassifier").model_copy(update={"split": split})

    folds = calibrated(object(), frame, params).cv
    assert len(folds) == FOLDS
    for fitted_on, held_out in folds:
        assert not set(frame["household"].iloc[fitted_on]) & set(frame["household"].iloc[held_out])
    assert fit(frame, inputs, params)[-1].cv == FOLDS  # and the numbers of rows are not in the model


def test_a_class_with_too_few_rows_is_refused(features: pd.DataFrame, inputs: list[str], params: Params) -> None:
    frame = features[(features[params.data.target] != params.data.positive) | (np.arange(len(features)) < 10)]
    few = int((frame[params.data.target] == params.data.positive).sum())
    assert few < FOLDS

    with pytest.raises(ConfigError, match=f"train.calibration: class Yes has {few} training rows"):
        fit(frame, inputs, by(params, "sigmoid", "sklearn.tree.DecisionTreeClassifier"))


def test_a_regression_has_no_probabilities_to_correct(params: Params) -> None:
    content = params.model_dump(exclude_unset=True) | {"task": "regression"}
    content["train"]["calibration"] = "sigmoid"

    with pytest.raises(ConfigError, match=r"train\.calibration corrects probabilities, and a regression has none"):
        Params.checked(content, "params.yaml")
