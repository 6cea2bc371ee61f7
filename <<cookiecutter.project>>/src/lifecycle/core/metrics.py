"""The metrics of predictions, and their confidence intervals.

Every metric is a function of row weights. Weights of one give the same number as scikit-learn; random weights give a
bootstrap resample without copying or sorting the rows again.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from tqdm import trange

from lifecycle.core.config import Params
from lifecycle.core.miscalibration import miscalibration
from lifecycle.core.ranking import ranking
from lifecycle.core.target import is_class
from lifecycle.core.weighted_sums import mean, ratio, weighted_sums

Measure = Callable[[np.ndarray], dict[str, float]]
"""Weights of shape (rows,) in, metrics by name out; NaN where the weighted rows do not define one."""
MeasureOf = Callable[[pd.Series, pd.DataFrame, Params], Measure]
"""Actual targets, predictions for the same rows and params in, their measure out."""

HIGHER_IS_BETTER = {"roc_auc", "average_precision", "f1", "accuracy", "r2"}
LOWER_IS_BETTER = {"log_loss", "brier", "miscalibration", "mae", "rmse"}
BIASED = {"miscalibration"}  # metrics of which a resample has more than the rows it is drawn from
UNIT_INTERVAL = {"roc_auc", "average_precision", "f1", "accuracy"}  # metrics between 0 and 1

EPSILON = np.finfo(np.float64).eps


def measure(actual: pd.Series, predictions: pd.DataFrame, params: Params, own: MeasureOf | None = None) -> Measure:
    """Return the measure of predictions against the actual targets of the same rows, with metrics of the user's `own`."""
    if own is not None:
        built_in, of_user = measure(actual, predictions, params), own(actual, predictions, params)
        return lambda weights: {**built_in(weights), **of_user(weights)}
    if params.task == "regression":
        return regression(actual.to_numpy(dtype=float), predictions["prediction"].to_numpy())
    if params.task == "multiclass":
        one_hot, probabilities = one_hot_and_scores(actual, predictions, params)
        return multiclass(one_hot.argmax(axis=1), probabilities)
    probability, label = predictions["probability"].to_numpy(), labelled_positive(predictions, params)
    return binary(_of_class(actual, params.data.positive), probability, label)


def labelled_positive(predictions: pd.DataFrame, params: Params) -> np.ndarray:
    """Return which rows of a binary task are labelled positive: as they say, or by the threshold if they do not."""
    name = next((name for name in ("prediction", "label") if name in predictions), None)  # a log of answers has neither
    if name is None:
        return predictions["probability"].to_numpy() >= params.evaluate.threshold
    return _of_class(predictions[name], params.data.positive)


def one_hot_and_scores(actual: pd.Series, predictions: pd.DataFrame, params: Params) -> tuple[np.ndarray, np.ndarray]:
    """Return the actual classes as booleans, and the scores, each of shape (rows, classes); a binary task has one column."""
    if params.task == "binary":
        return _of_class(actual, params.data.positive)[:, None], predictions[["probability"]].to_numpy()
    scores = predictions.filter(regex="^probability_")
    classes = [str(name).removeprefix("probability_") for name in scores]
    return np.stack([_of_class(actual, name) for name in classes], axis=1), scores.to_numpy()


def binary(positive: np.ndarray, probability: np.ndarray, label: np.ndarray) -> Measure:
    """Return the measure of a binary classifier.

    Args:
        positive: shape (rows,), True where the row is of the positive class.
        probability: shape (rows,), the predicted probability of the positive class.
        label: shape (rows,), True where the row is labelled positive.
    """
    rank, calibration = ranking(positive, probability), miscalibration(probability, positive)
    sums = weighted_sums(
        log_loss=-np.log(np.clip(np.where(positive, probability, 1 - probability), EPSILON, None)),
        brier=(probability - positive) ** 2,
        accuracy=label == positive,
        hits=label & positive,
        labelled_or_positive=label.astype(float) + positive,
    )

    def measure(weights: np.ndarray) -> dict[str, float]:
        means = sums(weights)
        roc_auc, average_precision = rank(weights)
        return {
            "roc_auc": roc_auc,
            "average_precision": average_precision,
            "log_loss": means["log_loss"],
            "brier": means["brier"],
            "f1": ratio(2 * means["hits"], means["labelled_or_positive"]),
            "accuracy": means["accuracy"],
            "miscalibration": calibration(weights),
        }

    return measure


def multiclass(actual: np.ndarray, probabilities: np.ndarray) -> Measure:
    """Return the measure of a classifier among k classes.

    ROC AUC, average precision and F1 are means over the classes for which the weighted rows define them; miscalibration
    is that of one class against the rest, the mean over all classes.

    Args:
        actual: shape (rows,), the number of each row's class, 0 to k - 1.
        probabilities: shape (rows, k).
    """
    k = probabilities.shape[1]
    one_hot = np.eye(k, dtype=bool)[actual]
    label = np.eye(k, dtype=bool)[probabilities.argmax(axis=1)]
    ranks = [ranking(one_hot[:, i], probabilities[:, i]) for i in range(k)]
    calibrations = [miscalibration(probabilities[:, i], one_hot[:, i]) for i in range(k)]
    sums = weighted_sums(
        log_loss=-np.log(np.clip(probabilities[np.arange(len(actual)), actual], EPSILON, None)),
        brier=((probabilities - one_hot) ** 2).sum(axis=1),
        accuracy=(label & one_hot).any(axis=1),
        **{f"hits_{i}": label[:, i] & one_hot[:, i] for i in range(k)},
        **{f"labelled_or_actual_{i}": label[:, i].astype(float) + one_hot[:, i] for i in range(k)},
    )

    def measure(weights: np.ndarray) -> dict[str, float]:
        means = sums(weights)
        of_classes = [rank(weights) for rank in ranks]
        f1 = [ratio(2 * means[f"hits_{i}"], means[f"labelled_or_actual_{i}"], float("nan")) for i in range(k)]
        return {
            "roc_auc": mean([roc_auc for roc_auc, _ in of_classes]),
            "average_precision": mean([precision for _, precision in of_classes]),
            "log_loss": means["log_loss"],
            "brier": means["brier"],
            "f1": mean(f1),
            "accuracy": means["accuracy"],
            "miscalibration": mean([calibration(weights) for calibration in calibrations]),
        }

    return measure


def regression(actual: np.ndarray, predicted: np.ndarray) -> Measure:
    """Return the measure of a regression; both arrays have shape (rows,) and the target's unit.

    Miscalibration is in the square of that unit.
    """
    error = predicted - actual
    centred = actual - actual.mean()  # the variance below loses no digits to a large mean
    sums = weighted_sums(absolute=np.abs(error), squared=error**2, first=centred, second=centred**2)
    calibration = miscalibration(predicted, actual)

    def measure(weights: np.ndarray) -> dict[str, float]:
        means = sums(weights)
        variance = means["second"] - means["first"] ** 2
        r2 = 1 - means["squared"] / variance if variance > 0 else float("nan")
        rmse = means["squared"] ** 0.5
        return {"mae": means["absolute"], "rmse": rmse, "r2": r2, "miscalibration": calibration(weights)}

    return measure


def point(measure: Measure, rows: int) -> dict[str, float]:
    """Return the metrics of all rows, each counted once, without those that the rows do not define."""
    return {name: round(value, 6) for name, value in measure(np.ones(rows)).items() if np.isfinite(value)}


def intervals(measure: Measure, rows: int, resamples: int, seed: int) -> dict[str, dict[str, float]]:
    """Return the 95% interval of each metric: `low` and `high`.

    Percentile bootstrap over rows (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Resampling
    raises a biased metric once more, by about as much as its bias: its interval is the basic one, which takes that off twice
    (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 5.2), so it may end below the metric itself.
    """
    generator = np.random.default_rng(seed)
    draws: list[dict[str, float]] = []
    for _ in trange(resamples, desc="bootstrap", unit="resample", delay=3, leave=False):
        weights = np.bincount(generator.integers(0, rows, rows), minlength=rows).astype(np.float64)
        draws.append(measure(weights))
    whole, bounds = measure(np.ones(rows)), {}
    for name in draws[0]:
        values = np.array([draw[name] for draw in draws])
        if np.isfinite(values).any():
            low, high = np.nanpercentile(values, [2.5, 97.5])
            if name in BIASED:
                lowest = 0.0 if np.nanmin(values) >= 0 else -np.inf  # a change may be negative, the metric may not
                low, high = np.clip([2 * whole[name] - high, 2 * whole[name] - low], lowest, None)
            bounds[name] = {"low": round(float(low), 6), "high": round(float(high), 6)}
    return bounds


def _of_class(actual: pd.Series, name: Any) -> np.ndarray:
    return actual.isin([value for value in actual.unique() if is_class(value, name)]).to_numpy(dtype=bool)
