"""Parameters of estimators that name columns or classes, as params.yaml has them, in the form that each library takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, did_you_mean
from lifecycle.core.target import by_label, is_class

MONOTONE = ("monotonic_cst", "monotone_constraints")  # of scikit-learn; of LightGBM, XGBoost and CatBoost
CLASS_WEIGHTS = ("class_weight", "class_weights")  # the second is CatBoost's


def by_column(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those parameters that are monotone constraints by the name of a column."""
    return {name: value for name, value in settings.items() if _last(name) in MONOTONE and isinstance(value, dict)}


def translate(
    estimator: BaseEstimator, preparation: Any, features: pd.DataFrame, target: np.ndarray, params: Params
) -> None:
    """Set monotone constraints that are given by column to numbers in the order of the matrix, and class weights to be by label.

    Args:
        estimator: not yet fitted; also those that it holds are set.
        preparation: fitted; it makes the matrix.
        features: what the preparation was fitted on.
        target: of the training rows, shape (rows,).
        params: the task, and the class whose probability is meant by what rises.

    Raises ConfigError if a constraint is on no column or on a categorical one, or a weight is of no class.
    """
    settings, labels = estimator.get_params(), np.unique(target) if params.task != "regression" else target[:0]
    # Libraries constrain the probability of the second of two classes.
    opposite = params.task == "binary" and is_class(labels[0], params.data.positive)
    for name, constraints in by_column(settings).items():
        signs = _in_order(constraints, preparation, features, f"params.yaml: {_last(name)}")
        signs = [-sign for sign in signs] if opposite else signs
        # XGBoost takes a tuple and no list, CatBoost a list and no tuple.
        takes_tuple = type(_holder(estimator, name)).__module__.startswith("xgboost")
        estimator.set_params(**{name: tuple(signs) if takes_tuple else signs})
    for name, weights in settings.items():
        if _last(name) in CLASS_WEIGHTS and isinstance(weights, dict):
            of_labels = by_label(weights, labels, f"params.yaml: {_last(name)}")
            if isinstance(_holder(estimator, name), HistGradientBoostingClassifier):  # it looks them up by position
                of_labels = {place: of_labels.get(label, 1.0) for place, label in enumerate(labels)}
            estimator.set_params(**{name: of_labels})


def _in_order(constraints: dict[str, int], preparation: Any, features: pd.DataFrame, where: str) -> list[int]:
    if not hasattr(preparation, "get_feature_names_out"):
        raise ConfigError(
            f"{where}: it goes by column, and what make_preparation returns has no get_feature_names_out, which names them"
        )
    matrix_columns = [str(name) for name in preparation.get_feature_names_out()]
    categorical, signs = set(features.select_dtypes(["category", "object", "string"])), [0] * len(matrix_columns)
    for column, sign in constraints.items():
        if column not in features:
            raise ConfigError(f"{where}: there is no feature {column}{did_you_mean(str(column), map(str, features))}")
        if column in categorical:
            raise ConfigError(f"{where}: {column} is categorical, so more and less of it mean nothing")
        if isinstance(sign, bool) or sign not in (-1, 0, 1):
            raise ConfigError(f"{where}: {column} is {sign!r}: give 1 (rises with it), -1 (falls with it) or 0")
        # A ColumnTransformer puts the name of a step in front.
        places = [place for place, name in enumerate(matrix_columns) if column in (name, name.partition("__")[2])]
        if len(places) != 1:
            raise ConfigError(
                f"{where}: {column} is in {len(places)} columns of what make_preparation gives, not in one"
            )
        signs[places[0]] = int(sign)
    return signs


def _holder(estimator: BaseEstimator, name: str) -> Any:
    """The estimator that has a parameter, by its nested name."""
    return estimator.get_params()[name.rpartition("__")[0]] if "__" in name else estimator


def _last(name: str) -> str:
    return name.rpartition("__")[2]
