"""How much each training row counts: `data.weight` and `train.class_weight` of params.yaml, as an estimator's `sample_weight`."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from lifecycle.core.config import Params
from lifecycle.core.encoded_labels import EncodedLabels
from lifecycle.core.errors import ConfigError
from lifecycle.core.target import by_label

WEIGHT = "sample_weight"
OF_SEVERAL = (StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor)
MAX_EXAMPLES = 5


def row_weights(frame: pd.DataFrame, params: Params) -> np.ndarray | None:
    """Return the weight of each training row, shape (rows,), or None if all count the same.

    Raises ConfigError if train.class_weight names a class that the rows do not have.
    """
    column, of_classes, target = params.data.weight, params.train.class_weight, frame[params.data.target].to_numpy()
    weights = frame[column].to_numpy(dtype=float) if column else None
    if of_classes is None:
        return weights
    if isinstance(of_classes, dict):
        of_classes = by_label(of_classes, pd.unique(target), "params.yaml: train.class_weight")
    of_rows: np.ndarray = compute_sample_weight(of_classes, target)
    return of_rows if weights is None else weights * of_rows


def weight_argument(estimator: Any, params: Params) -> str:
    """Return the name under which the `fit` of an estimator takes the weights of rows, or "" if all rows count the same.

    Raises ConfigError if rows have weights and the estimator, or one that it holds, takes none.
    """
    if params.data.weight is None and params.train.class_weight is None:
        return ""
    setting = "data.weight" if params.data.weight else "train.class_weight"
    name = _argument(estimator)
    if not name:
        without = next((inner for inner in _inner(estimator) if not _argument(inner)), estimator)
        raise ConfigError(
            f"params.yaml: {setting}: {type(without).__name__}, in train.estimator {params.train.estimator}, takes no weights of "
            "rows: choose another estimator, or leave it out"
        )
    return name


def check_weights(frame: pd.DataFrame, params: Params) -> list[dict[str, Any]]:
    """Return one record, as `contract.validate` does, of whether `data.weight` has weights; none, if it is not set."""
    if params.data.weight is None or params.data.weight not in frame:
        return []
    values, examples = frame[params.data.weight], list[str]()
    failures = 1
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        examples = [f"{values.dtype}, not a number"]
    else:
        weights = values.to_numpy(dtype=float, na_value=np.nan)
        wrong = ~(np.isfinite(weights) & (weights >= 0))
        failures = int(wrong.sum())
        keys = frame[params.data.id] if params.data.id in frame else frame.index.to_series()
        examples = [f"{key}: {value}" for key, value in zip(keys[wrong], weights[wrong], strict=True)][:MAX_EXAMPLES]
        if not failures and not weights.any():
            failures, examples = 1, ["every weight is 0"]
    check = "is_weight(finite, 0 or more)"
    return [
        {"column": params.data.weight, "check": check, "passed": not failures, "failures": failures, "examples": examples}
    ]  # fmt: skip


def _argument(estimator: Any) -> str:
    """The name under which `fit` takes weights, or "" if it does not."""
    match estimator:
        case Pipeline():
            name, last = estimator.steps[-1]
            inner = _argument(last)
            return f"{name}__{inner}" if inner else ""
        case EncodedLabels() | GridSearchCV() | RandomizedSearchCV():
            return _argument(estimator.estimator)
        case CalibratedClassifierCV():  # which says nothing of weights that its estimator is not given
            takes = estimator.estimator is None or has_fit_parameter(estimator.estimator, WEIGHT)
            return WEIGHT if takes and all(_argument(inner) == WEIGHT for inner in _inner(estimator)) else ""
        case TransformedTargetRegressor():
            return _argument(estimator.regressor) if estimator.regressor is not None else WEIGHT
        case _:
            takes = isinstance(estimator, OF_SEVERAL) or has_fit_parameter(estimator, WEIGHT)
            return WEIGHT if takes and all(_argument(inner) == WEIGHT for inner in _inner(estimator)) else ""


def _inner(estimator: Any) -> list[Any]:
    """The estimators that an estimator fits on rows of its own."""
    if isinstance(estimator, Pipeline):
        return [estimator.steps[-1][1]]
    values = estimator.get_params(deep=False).values() if hasattr(estimator, "get_params") else []
    lists = [value for value in values if isinstance(value, list)]
    named = [item[1] for of_list in lists for item in of_list if isinstance(item, tuple) and len(item) == 2]
    return [inner for inner in (*values, *named) if hasattr(inner, "fit") and not isinstance(inner, type)]
