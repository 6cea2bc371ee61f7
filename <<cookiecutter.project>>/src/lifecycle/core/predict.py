"""Predictions: the one function by which evaluation, serving and batch scoring ask a model, which takes the contract's raw columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import gen_batches
from threadpoolctl import threadpool_limits

from lifecycle.core.config import Params

FEW_ROWS = 50_000
GROUP = 64  # rows: linear algebra rounds a row in a whole group of a few otherwise than one at the end, or alone
BATCH = 65_536  # rows asked at a time: what a model makes on the way to an answer is several times its input


def threads(rows: int) -> threadpool_limits:
    """Return the context in which models are fitted and asked: as many threads as help, and the same answer on any number.

    Linear algebra runs on one thread, because a sum split among threads is rounded differently. With few rows trees
    do too: there threads cost more than they save, and starve whatever runs beside, queued experiments for one.
    """
    return threadpool_limits(1 if rows < FEW_ROWS else {"blas": 1})


def with_features(fitted: Pipeline, inputs: pd.DataFrame, build_features: Callable[..., pd.DataFrame]) -> Pipeline:
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
    group = GROUP if sums_features(model[-1]) else 1
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


def sums_features(estimator: Any) -> bool:
    """Whether an estimator predicts by linear algebra, whose rounding depends on how many rows are asked at once."""
    return hasattr(estimator, "coef_") or hasattr(estimator, "coefs_")


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
