"""Monotone constraints by the name of a column, for each library; what names no column that can rise is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.named_settings import translate
from lifecycle.core.predict import predict
from lifecycle.pipeline.train import fit

ROWS = 600


@pytest.mark.parametrize(
    ("estimator", "parameter", "settings"),
    [
        ("sklearn.ensemble.HistGradientBoostingClassifier", "monotonic_cst", {"max_iter": 20}),
        ("sklearn.ensemble.RandomForestClassifier", "monotonic_cst", {"n_estimators": 10}),
        ("lightgbm.LGBMClassifier", "monotone_constraints", {"n_estimators": 20}),
        ("xgboost.XGBClassifier", "monotone_constraints", {"n_estimators": 20}),
        ("catboost.CatBoostClassifier", "monotone_constraints", {"iterations": 20}),
    ],
)
def test_what_is_predicted_never_falls_with_a_column_that_is_constrained_to_raise_it(
    estimator: str,
    parameter: str,
    settings: dict[str, Any],
    table: pd.DataFrame,
    features: pd.DataFrame,
    params: Params,
) -> None:
    library = estimator.partition(".")[0]
    pytest.importorskip(library, reason=f"{library} is not installed: tests/test_machinery.py installs it")
    column, inputs = "total_charges", params.data.inputs(table)
    rows = table.head(40).loc[lambda frame: frame.index.repeat(20)].reset_index(drop=True)
    rows[column] = np.tile(np.linspace(0, 8000, 20), 40)

    def falls(constraints: dict[str, int] | None) -> int:
        parameters = {**settings, **({parameter: constraints} if constraints else {})}
        train = params.train.model_copy(update={"estimator": estimator, "parameters": parameters})
        model = fit(
            features.head(ROWS).drop(columns=["average_charge"]), inputs, params.model_copy(update={"train": train})
        )
        model.steps[0] = ("features", "passthrough")  # without what build_features makes of the column
        answers = predict(model, rows.assign(add_ons=0, automatic_payment=0), params)["probability"].to_numpy()
        return int((np.diff(answers.reshape(40, 20), axis=1) < -1e-9).sum())

    assert falls(None) > 0
    assert falls({column: 1}) == 0


TARGET = np.array(["y", "x"])
FEATURES = pd.DataFrame({"kind": pd.Categorical(["a", "b"]), "age": [1.0, 2.0], "income": [3.0, 4.0]})


def of_class(params: Params, positive: str) -> Params:
    return params.model_copy(update={"data": params.data.model_copy(update={"positive": positive})})


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"agge": 1}, r"monotonic_cst: there is no feature agge \(did you mean age"),
        ({"kind": 1}, "kind is categorical"),
        ({"age": 2}, "age is 2: give 1"),
        ({"age": True}, "age is True: give 1"),
        ({"age": "up"}, "age is 'up': give 1"),
    ],
)
def test_a_constraint_that_cannot_be_meant_is_refused(
    constraints: dict[str, Any], message: str, params: Params
) -> None:
    estimator = HistGradientBoostingClassifier(monotonic_cst=constraints)
    preparation = ColumnTransformer(
        [("kind", OneHotEncoder(), ["kind"]), ("numbers", StandardScaler(), ["age", "income"])]
    )

    with pytest.raises(ConfigError, match=message):
        translate(estimator, preparation.fit(FEATURES), FEATURES, TARGET, of_class(params, "y"))


@pytest.mark.parametrize(("positive", "falls"), [("y", -1), ("x", 1)])
def test_columns_are_found_behind_a_preparation_of_the_users(positive: str, falls: int, params: Params) -> None:
    preparation = ColumnTransformer(
        [("kind", OneHotEncoder(), ["kind"]), ("numbers", StandardScaler(), ["age", "income"])]
    )
    estimator = HistGradientBoostingClassifier(monotonic_cst={"income": -1})

    translate(estimator, preparation.fit(FEATURES), FEATURES, TARGET, of_class(params, positive))

    assert estimator.monotonic_cst == [0, 0, 0, falls]  # two columns of the kind, then age and income


def test_a_preparation_that_does_not_name_its_columns_is_refused(params: Params) -> None:
    estimator = HistGradientBoostingClassifier(monotonic_cst={"income": -1})

    with pytest.raises(ConfigError, match="has no get_feature_names_out"):
        translate(estimator, object(), FEATURES, TARGET, of_class(params, "y"))
