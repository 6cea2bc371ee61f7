"""The model: built and asked in one place. The whole of it takes the contract's raw columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import gen_batches
from threadpoolctl import threadpool_limits

from lifecycle.core.config import Params, Train
from lifecycle.core.errors import ConfigError
from PKG.features import build_features

ESTIMATORS: dict[str, dict[str, type[BaseEstimator]]] = {
    "classification": {
        "hist_gradient_boosting": HistGradientBoostingClassifier,
        "random_forest": RandomForestClassifier,
        "logistic_regression": LogisticRegression,
    },
    "regression": {
        "hist_gradient_boosting": HistGradientBoostingRegressor,
        "random_forest": RandomForestRegressor,
        "ridge": Ridge,
    },
}

LINEAR = (LogisticRegression, Ridge)
FEW_ROWS = 50_000
MAX_CATEGORIES = 250  # of a one-hot column; rarer ones share one
GROUP = 64  # rows: linear algebra rounds a row in a whole group of a few otherwise than one at the end, or alone
BATCH = 65_536  # rows asked at a time: what a model makes on the way to an answer is several times its input


def make_estimator(task: str, train: Train, seed: int) -> BaseEstimator:
    """Return the unfitted estimator that params.yaml names, with its settings and the seed.

    Raises ConfigError if the estimator does not do the task, or scikit-learn refuses a setting's name or value.
    """
    known = ESTIMATORS["regression" if task == "regression" else "classification"]
    if train.estimator not in known:
        raise ConfigError(
            f"params.yaml: train.estimator {train.estimator} does not do {task}: choose from {', '.join(known)}"
        )
    estimator = known[train.estimator]()
    try:
        estimator.set_params(**train.settings)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=seed)
        estimator._validate_params()  # what fit() would do first, before any time is spent
    except ValueError as error:
        raise ConfigError(f"params.yaml: train.{train.estimator}: {error}") from None
    return estimator


def threads(rows: int) -> threadpool_limits:
    """Return the context in which models are fitted and asked: as many threads as help, and the same answer on any number.

    Linear algebra runs on one thread, because a sum split among threads is rounded differently. With few rows trees
    do too: there threads cost more than they save, and starve whatever runs beside, queued experiments for one.
    """
    return threadpool_limits(1 if rows < FEW_ROWS else {"blas": 1})


def make_preparation(estimator: BaseEstimator, features: pd.DataFrame) -> Any:
    """Return what encodes and imputes the features for an estimator, fitted on a table of training features.

    Args:
        features: rows as `build_features` returns them, without id and target.
    """
    categorical = [str(name) for name in features.select_dtypes(["category", "object", "string"])]
    numeric = [str(name) for name in features.select_dtypes(["number", "bool"])]
    known: dict[str, Any] = {"categories": [sorted(features[name].dropna().unique()) for name in categorical]}
    if not isinstance(estimator, LINEAR):
        return Codes(dict(zip(categorical, known["categories"], strict=True)), numeric)
    one_hot = {"handle_unknown": "infrequent_if_exist", "max_categories": MAX_CATEGORIES, "sparse_output": False}
    prepare = {
        "categorical": OneHotEncoder(**known, **one_hot),
        "numeric": make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()),
    }
    columns = {"categorical": categorical, "numeric": numeric}
    preparation = ColumnTransformer([(name, step, columns[name]) for name, step in prepare.items() if columns[name]])
    return preparation.fit(features)


class Codes(BaseEstimator):
    """What trees split: each category as its place among the known ones (NaN for any other), then the numbers as they are.

    A ColumnTransformer around an OrdinalEncoder gives the same, but takes longer for one row than all the rest of a prediction.
    """

    def __init__(self, categories: dict[str, list[Any]], numeric: list[str]) -> None:
        """`categories`: the known values of each categorical column; `numeric`: the other columns."""
        self.categories = categories
        self.numeric = numeric

    def fit(self, features: pd.DataFrame, target: Any = None) -> "Codes":
        """Learn nothing: the categories are given."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Return an array of float64, shape (rows, categorical and numeric columns, in this order)."""
        matrix = np.empty((len(features), len(self.categories) + len(self.numeric)))
        for place, (name, known) in enumerate(self.categories.items()):
            codes = {value: float(code) for code, value in enumerate(known)}
            values = features[name].array
            if isinstance(values, pd.Categorical):
                of_categories = [codes.get(value, np.nan) for value in values.categories]
                matrix[:, place] = np.array([*of_categories, np.nan])[values.codes]  # a null's code is -1, the last
            else:
                matrix[:, place] = [codes.get(value, np.nan) for value in values]
        for place, name in enumerate(self.numeric, start=len(self.categories)):
            matrix[:, place] = features[name].to_numpy(dtype="float64", na_value=np.nan)
        return matrix


def with_features(fitted: Pipeline, inputs: pd.DataFrame) -> Pipeline:
    """Return the fitted pipeline behind the feature function, so that it takes the contract's raw columns.

    `inputs` holds those columns; the model keeps their names as `feature_names_in_`.
    """
    return Pipeline([("features", FunctionTransformer(build_features).fit(inputs)), *fitted.steps])


def predict(model: Pipeline, frame: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Score rows, as evaluation, serving and batch scoring all do.

    Args:
        model: a fitted model.
        frame: rows with the contract's columns; the target may be missing.
        params: the task, the positive class and the threshold from which on a label is positive.

    Returns:
        One row per row of `frame`, same index: `prediction`, and for a classifier the probabilities: `probability`
        (of the positive class) or one `probability_<class>` each.
    """
    group = GROUP if isinstance(model[-1], LINEAR) else 1
    if params.task == "regression":
        return pd.DataFrame({"prediction": in_batches(model.predict, frame, group)}, index=frame.index)
    probabilities = in_batches(model.predict_proba, frame, group)
    classes = [str(name) for name in model.classes_]
    if params.task == "multiclass":
        columns = {f"probability_{name}": probabilities[:, i] for i, name in enumerate(classes)}
        labels = pd.Categorical.from_codes(probabilities.argmax(axis=1), categories=pd.Index(model.classes_))
        return pd.DataFrame({"prediction": labels, **columns}, index=frame.index)
    positive = classes.index(str(params.data.positive))
    probability = probabilities[:, positive]
    chosen = np.where(probability >= params.evaluate.threshold, positive, 1 - positive)
    labels = pd.Categorical.from_codes(chosen, categories=pd.Index(model.classes_))
    return pd.DataFrame({"prediction": labels, "probability": probability}, index=frame.index)


def in_batches(ask: Callable[[pd.DataFrame], np.ndarray], frame: pd.DataFrame, group: int = 1) -> np.ndarray:
    """Return what a function of rows answers, shape (rows, ...), without ever holding what it makes on the way to it.

    It is asked for whole groups of rows only.
    """
    if len(frame) <= BATCH:
        return _in_groups(ask, frame, group)
    answers = np.empty(0)
    for rows in gen_batches(len(frame), BATCH):
        part = _in_groups(ask, frame.iloc[rows], group)
        if rows.start == 0:
            answers = np.empty((len(frame), *part.shape[1:]), dtype=part.dtype)
        answers[rows] = part
    return answers


def _in_groups(ask: Callable[[pd.DataFrame], np.ndarray], frame: pd.DataFrame, group: int) -> np.ndarray:
    """Ask with the last group filled up with the last row."""
    missing = -len(frame) % group
    if not missing:
        return ask(frame)
    return ask(frame.iloc[[*range(len(frame)), *[len(frame) - 1] * missing]])[: len(frame)]
