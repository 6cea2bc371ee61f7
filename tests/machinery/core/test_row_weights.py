"""Weights of rows: whatever estimator takes them is given them, and one that does not is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lifecycle.core.config import Params
from lifecycle.core.encoded_labels import EncodedLabels
from lifecycle.core.errors import ConfigError
from lifecycle.core.estimator import make_estimator
from lifecycle.core.predict import predict
from lifecycle.core.row_weights import check_weights, row_weights, weight_argument
from lifecycle.pipeline.train import fit
from lifecycle.pipeline.validate import check_params

LINEAR, NEIGHBOURS = LogisticRegression(), KNeighborsClassifier()
PIPELINE = make_pipeline(StandardScaler(), LINEAR)
ROWS = 400


def weighted(params: Params, weight: str | None = "row_weight", **train: Any) -> Params:
    data = params.data.model_copy(update={"weight": weight})
    return params.model_copy(update={"data": data, "train": params.train.model_copy(update=train)})


@pytest.mark.parametrize(
    ("estimator", "argument"),
    [
        (LINEAR, "sample_weight"),
        (EncodedLabels(LINEAR), "sample_weight"),
        (PIPELINE, "logisticregression__sample_weight"),
        (make_pipeline(StandardScaler(), PIPELINE), "pipeline__logisticregression__sample_weight"),
        (GridSearchCV(PIPELINE, {}), "logisticregression__sample_weight"),
        (CalibratedClassifierCV(LINEAR), "sample_weight"),
        (StackingClassifier([("trees", RandomForestClassifier(10)), ("linear", LINEAR)]), "sample_weight"),
        (TransformedTargetRegressor(Ridge()), "sample_weight"),
        (TransformedTargetRegressor(), "sample_weight"),
    ],
)  # fmt: skip
def test_fit_takes_weights_under_a_name_and_uses_them(estimator: BaseEstimator, argument: str, params: Params) -> None:
    generator = np.random.default_rng(0)
    matrix, target = generator.normal(size=(90, 2)), generator.integers(0, 2, 90)

    assert weight_argument(estimator, weighted(params)) == argument
    light, heavy = (
        estimator.fit(matrix, target, **{argument: np.where(target == 1, weight, 1.0)}).predict(matrix).mean()
        for weight in (0.02, 50)
    )
    assert heavy > light


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (NEIGHBOURS, "KNeighborsClassifier"),
        (make_pipeline(StandardScaler(), NEIGHBOURS), "KNeighborsClassifier"),
        (CalibratedClassifierCV(NEIGHBOURS), "KNeighborsClassifier"),
        (VotingClassifier([("linear", LINEAR), ("near", NEIGHBOURS)]), "KNeighborsClassifier"),
        (StackingClassifier([("linear", PIPELINE)]), "StackingClassifier"),
        (OneVsRestClassifier(LINEAR), "OneVsRestClassifier"),
    ],
)
def test_an_estimator_that_takes_none_is_refused_in_one_line(
    estimator: BaseEstimator, name: str, params: Params
) -> None:
    with pytest.raises(
        ConfigError, match=rf"params\.yaml: data\.weight: {name}, in train\.estimator .* takes no weights"
    ):
        weight_argument(estimator, weighted(params))
    assert weight_argument(estimator, weighted(params, None)) == ""


def test_an_estimator_of_params_that_takes_none_is_refused_before_training(params: Params) -> None:
    estimator = {"estimator": "sklearn.neighbors.KNeighborsClassifier", "parameters": {}}

    make_estimator(weighted(params, None, **estimator))
    with pytest.raises(ConfigError, match=r"train\.class_weight: KNeighborsClassifier"):
        make_estimator(weighted(params, None, class_weight="balanced", **estimator))


@pytest.mark.parametrize(
    ("library", "estimator"),
    [
        ("sklearn", "sklearn.ensemble.HistGradientBoostingClassifier"),
        ("lightgbm", "lightgbm.LGBMClassifier"),
        ("xgboost", "xgboost.XGBClassifier"),
        ("catboost", "catboost.CatBoostClassifier"),
    ],
)
@pytest.mark.parametrize("way", ["column", "balanced", "classes"])
def test_rows_that_count_more_raise_what_is_predicted_and_the_weight_is_no_input(
    way: str, library: str, estimator: str, table: pd.DataFrame, features: pd.DataFrame, params: Params,
) -> None:  # fmt: skip
    pytest.importorskip(library, reason=f"{library} is not installed: tests/test_machinery.py installs it")
    name = "iterations" if library == "catboost" else "max_iter" if library == "sklearn" else "n_estimators"
    train = {"estimator": estimator, "parameters": {name: 10}}
    positive = features[params.data.target] == params.data.positive
    rows = features.head(ROWS)
    chosen = {
        "column": weighted(params, **train),
        "balanced": weighted(params, None, class_weight="balanced", **train),
        "classes": weighted(params, None, class_weight={str(params.data.positive): 20}, **train),
    }[way]
    with_weight = rows.assign(row_weight=np.where(positive.head(ROWS), 20.0, 1.0)) if way == "column" else rows

    plain = fit(rows, params.data.inputs(table), weighted(params, None, **train))
    heavy = fit(
        with_weight, chosen.data.inputs([*table, "row_weight"]) if way == "column" else plain.feature_names_in_, chosen
    )

    assert "row_weight" not in heavy.feature_names_in_
    before, after = (predict(model, rows, params)["probability"].mean() for model in (plain, heavy))
    assert after > before + 0.05


@pytest.mark.parametrize(
    ("labels", "weights"),
    [
        (["No", "Yes"], {"Yes": 3}),
        ([0, 1], {1: 3}),
        ([0, 1], {"1": 3}),
        ([0.0, 1.0], {1: 3}),
        ([False, True], {True: 3}),
    ],
)
def test_a_class_is_named_as_yaml_writes_it(labels: list[Any], weights: dict[Any, float], params: Params) -> None:
    frame = pd.DataFrame({params.data.target: labels * 2, "row_weight": [1.0, 2.0, 0.5, 0.0]})

    assert row_weights(frame, weighted(params, class_weight=weights)).tolist() == [1, 6, 0.5, 0]
    assert row_weights(frame, weighted(params, None, class_weight=weights)).tolist() == [1, 3, 1, 3]
    with pytest.raises(ConfigError, match=r"train\.class_weight: there is no class maybe \(there are: "):
        row_weights(frame, weighted(params, class_weight={"maybe": 2}))


@pytest.mark.parametrize(
    ("values", "failures", "example"),
    [
        ([1, 0, 2.5], 0, ""),
        ([1, -1, np.nan], 2, "c1: -1.0"),
        ([1, 2, np.inf], 1, "c2: inf"),
        ([0, 0, 0], 1, "every weight is 0"),
        (["1", "2", "3"], 1, "not a number"),
        ([True, True, False], 1, "bool, not a number"),
    ],
)
def test_weights_that_are_none_fail_the_validation_with_their_rows(
    values: list[Any], failures: int, example: str, params: Params
) -> None:
    frame = pd.DataFrame({params.data.id: ["c0", "c1", "c2"], "row_weight": values})

    (record,) = check_weights(frame, weighted(params))

    assert (record["failures"], record["passed"]) == (failures, not failures)
    assert any(example in text for text in record["examples"]) or not failures
    assert check_weights(frame, params) == []


def test_the_weight_is_a_column_of_the_contract_for_itself(params: Params, table: pd.DataFrame) -> None:
    columns = [*map(str, table), "row_weight"]

    check_params(weighted(params), columns)
    for name, message in (
        ("wieght", "data.weight names 'wieght', which contract.yaml does not have"),
        (params.data.target, "data.weight is .*: name a column for it alone"),
        (params.data.id, "data.weight is .*: name a column for it alone"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_params(weighted(params, name), columns)


def test_classes_of_a_regression_have_no_weight(params: Params) -> None:
    content = params.model_dump(mode="json")
    content["train"]["class_weight"] = "balanced"

    Params.checked(content, "params.yaml")
    with pytest.raises(ConfigError, match=r"train\.class_weight is for classes"):
        Params.checked({**content, "task": "regression"}, "params.yaml")


@pytest.mark.parametrize(
    ("library", "estimator", "settings"),
    [
        ("sklearn", "sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 5}),
        ("sklearn", "sklearn.tree.DecisionTreeClassifier", {"max_depth": 3}),
        ("lightgbm", "lightgbm.LGBMClassifier", {"n_estimators": 5}),
    ],
)
def test_the_class_weight_of_an_estimator_names_classes_as_yaml_writes_them(
    library: str, estimator: str, settings: dict[str, Any], features: pd.DataFrame, params: Params
) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed: tests/test_machinery.py installs it")
    rows, data = features.head(ROWS), params.data
    positive = rows[data.target] == data.positive

    def answers(labels: Any, weights: dict[Any, float]) -> np.ndarray:
        parameters = {**settings, "class_weight": weights}
        train = params.train.model_copy(update={"estimator": estimator, "parameters": parameters})
        chosen = params.model_copy(update={"data": data.model_copy(update={"positive": labels[1]}), "train": train})
        frame = rows.assign(**{data.target: np.where(positive, labels[1], labels[0])})
        model = fit(frame, [name for name in data.inputs(rows) if name in rows], chosen)
        return model[-1].predict_proba(model[1].transform(rows))[:, 1]

    as_text = answers(["No", "Yes"], {"Yes": 5})
    for labels, weights in (([0, 1], {1: 5}), ([0, 1], {"1": 5}), ([1, 2], {2: 5}), ([False, True], {True: 5})):
        np.testing.assert_array_equal(answers(labels, weights), as_text)
    assert answers([0, 1], {0: 5}).mean() < as_text.mean() - 0.05
    with pytest.raises(ConfigError, match="class_weight: there is no class yes"):
        answers(["No", "Yes"], {"yes": 5})


def test_a_calibrated_estimator_is_given_the_weights_within_as_well(params: Params) -> None:
    assert weight_argument(CalibratedClassifierCV(EncodedLabels(LINEAR)), weighted(params)) == "sample_weight"
    with pytest.raises(ConfigError, match="CalibratedClassifierCV, in"):
        weight_argument(CalibratedClassifierCV(GridSearchCV(LINEAR, {})), weighted(params))
