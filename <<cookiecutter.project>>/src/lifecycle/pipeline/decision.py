"""The decision threshold of a binary classifier, if train.threshold of params.yaml has a rule by which to choose it."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from lifecycle.core import config, metrics, predict
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.core.metrics import Measure
from lifecycle.core.threshold import chooser


def decide(model: Pipeline, frame: pd.DataFrame, target: pd.Series, params: Params) -> None:
    """Give a fitted classifier the threshold that the rule chooses on rows, if there is a rule.

    Args:
        model: asked for its probabilities.
        frame: rows with its inputs.
        target: of the same rows.
        params: the rule and the positive class.

    Raises DataError if no threshold satisfies the rule.
    """
    rule = params.train.threshold
    if not rule:
        return
    with predict.threads(len(frame)):
        predictions = predict.predict(model, frame, params)
    threshold = measure(target, predictions, params)(np.ones(len(frame)))["threshold"]
    if not np.isfinite(threshold):
        raise DataError(
            f"{config.PARAMS}: train.threshold: no threshold gives a {rule} on {len(frame):,} rows; ask for less, or "
            "improve the model"
        )
    setattr(model, predict.THRESHOLD, threshold)


def measure(target: pd.Series, predictions: pd.DataFrame, params: Params) -> Measure:
    """Return the threshold that the rule chooses on rows as a function of their weights, as the metrics are; arguments as above."""
    assert params.train.threshold
    positive, probability = metrics.one_hot_and_scores(target, predictions, params)
    choose = chooser(params.train.threshold, positive[:, 0], probability[:, 0])
    return lambda weights: {"threshold": choose(weights)}


def intervals(target: pd.Series, predictions: pd.DataFrame, params: Params) -> dict[str, dict[str, float]]:
    """Return the 95% interval of the `threshold` that the rule chooses on rows; nothing if there is no rule. Arguments as above."""
    if not params.train.threshold:
        return {}
    return metrics.intervals(measure(target, predictions, params), len(target), params.evaluate.bootstrap, params.seed)


def in_words(model_threshold: float, bounds: dict[str, float] | None, params: Params) -> str:
    """Return the threshold, its interval if there is one, and how it was chosen; nothing if the task is not binary."""
    if params.task != "binary":
        return ""
    if not params.train.threshold:
        return f"{params.evaluate.threshold:g}, as set in {config.PARAMS}"
    interval = f" (95% interval {bounds['low']:.4g} to {bounds['high']:.4g})" if bounds else ""
    return f"{model_threshold:.4g}{interval}, chosen on validation rows: {params.train.threshold}"
