"""The one place that predicts, wherever a model is used: `outcome`, and `predict`, which makes a table of it.

A model takes the contract's raw columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import gen_batches
from threadpoolctl import threadpool_limits

from lifecycle.core.config import Params
from lifecycle.core.target import is_class

FEW_ROWS = 50_000
GROUP = 64  # rows: linear algebra rounds differently for a row alone, in a full block, and at the end of one
TREES = (
    "sklearn.ensemble._hist",
    "sklearn.ensemble._forest",
    "sklearn.ensemble._gb",
    "sklearn.tree",
    "sklearn.dummy",
    "lightgbm",
    "xgboost",
    "catboost",
)
THRESHOLD = "threshold_"  # attribute of a model: what train.threshold chose
PASS_ON = ("EncodedLabels", "CalibratedClassifierCV")  # what treats each row apart, like the estimator within it
BATCH = 65_536  # rows predicted at a time: the intermediate results of a model are several times its input


def threads(rows: int) -> threadpool_limits:
    """Return the context in which models are fitted and predict: as many threads as help, and results that do not depend on them.

    Linear algebra runs on one thread, because a sum that is split among threads is rounded differently. So do trees with few
    rows: threads would cost more than they save, and slow down what runs at the same time, such as queued experiments.
    """
    return threadpool_limits(1 if rows < FEW_ROWS else {"blas": 1})


def with_features(fitted: Pipeline, inputs: pd.DataFrame, build_features: Callable[..., pd.DataFrame]) -> Pipeline:
    """Return the fitted pipeline with the feature function in front, so that it takes the contract's raw columns.

    `inputs` holds those columns; the model keeps their names as `feature_names_in_`.
    """
    return Pipeline([("features", FunctionTransformer(build_features).fit(inputs)), *fitted.steps])


def predict(model: Pipeline, frame: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return the predictions of a model.

    Args:
        model: a fitted model.
        frame: rows with the contract's columns. The model is given those that it was fitted on, and never the target.
        params: the task, the positive class and the threshold at and above which a label is positive, unless the model has
            its own.

    Returns:
        A row per row of `frame`, with the same index: `prediction`, and for a classifier the probabilities: `probability`
        (of the positive class) or a `probability_<class>` for each.
    """
    return table(outcome(model, frame, params), frame.index)


@dataclass(frozen=True)
class Outcome:
    """What a model predicts, as arrays: for a few rows a table takes as long to make as they take to predict."""

    names: list[str]
    """Of the columns of numbers, as `predict` has them."""
    numbers: np.ndarray
    """Probabilities, or predictions of a regression: shape (rows, names)."""
    classes: np.ndarray
    """Empty for a regression."""
    places: np.ndarray
    """Of each row's label among the classes."""


def outcome(model: Pipeline, frame: pd.DataFrame, params: Params) -> Outcome:
    """Return what a model predicts, as arrays; the arguments are those of `predict`."""
    inputs = getattr(model[0], "feature_names_in_", None)
    if inputs is not None and len(inputs) != frame.shape[1]:
        frame = frame[list(inputs)]
    group = 1 if of_trees(model[-1]) else GROUP
    if params.task == "regression":
        predicted = in_batches(model.predict, frame, group)
        return Outcome(["prediction"], predicted[:, None], np.empty(0), np.empty(0))
    probabilities, classes = in_batches(model.predict_proba, frame, group), np.asarray(model.classes_)
    if params.task == "multiclass":
        return Outcome(
            [f"probability_{name}" for name in classes], probabilities, classes, probabilities.argmax(axis=1)
        )
    positive = next(place for place, name in enumerate(classes.tolist()) if is_class(name, params.data.positive))
    probability = probabilities[:, positive]
    places = np.where(probability >= threshold(model, params), positive, 1 - positive)
    return Outcome(["probability"], probability[:, None], classes, places)


def table(predicted: Outcome, index: pd.Index) -> pd.DataFrame:
    """Return what was predicted as `predict` does."""
    columns = dict(zip(predicted.names, predicted.numbers.T, strict=True))
    if not len(predicted.classes):
        return pd.DataFrame(columns, index=index)
    labels = pd.Categorical.from_codes(predicted.places, categories=pd.Index(predicted.classes))
    return pd.DataFrame({"prediction": labels, **columns}, index=index)


def threshold(model: Pipeline, params: Params) -> float:
    """Return the threshold at and above which a row is labelled positive: what a rule chose for the model, or the one in params."""
    return float(getattr(model, THRESHOLD, params.evaluate.threshold))


def of_trees(estimator: Any) -> bool:
    """Whether an estimator sends each row down trees, apart from the others.

    Any other may predict by linear algebra, whose rounding depends on how many rows it is given at once.
    """
    inner = estimator
    while type(inner).__name__ in PASS_ON:
        inner = inner.estimator
    return type(inner).__module__.startswith(TREES)


def in_batches(function: Callable[[pd.DataFrame], np.ndarray], frame: pd.DataFrame, group: int = 1) -> np.ndarray:
    """Return the result of a function of rows, shape (rows, ...), computed in batches to bound its memory.

    The function is called with whole groups of rows only.
    """
    if len(frame) <= BATCH:
        return _in_groups(function, frame, group)
    result = np.empty(0)
    for rows in gen_batches(len(frame), BATCH):
        of_batch = _in_groups(function, frame.iloc[rows], group)
        if rows.start == 0:
            result = np.empty((len(frame), *of_batch.shape[1:]), dtype=of_batch.dtype)
        result[rows] = of_batch
    return result


def _in_groups(function: Callable[[pd.DataFrame], np.ndarray], frame: pd.DataFrame, group: int) -> np.ndarray:
    """Call the function with the last group filled up with the last row."""
    missing = -len(frame) % group
    if not missing:
        return function(frame)
    return function(frame.iloc[[*range(len(frame)), *[len(frame) - 1] * missing]])[: len(frame)]
