"""The staleness curve: what a model loses with its age, against one that was trained anew.

In each period of a walk-forward evaluation all models answer the same rows: the one trained at its start, and those trained at
the starts of earlier periods. So the difference of their losses is what a renewal would have gained, whatever the period is like.
"""

from typing import Any

import numpy as np
import pandas as pd

from lifecycle.core import metrics
from lifecycle.core.config import Params

LOST_SHARE = 0.1  # of what a model gains over the trivial one: a model that has lost so much is to be renewed

Losses = dict[tuple[int, int], np.ndarray]
"""The loss of each row, shape (rows,), by the number of the fold that trained the model and of the period of the rows."""


def row_losses(rows: pd.DataFrame, predictions: pd.DataFrame, params: Params) -> np.ndarray:
    """Return the log loss of each row, or for a regression its squared error; shape (rows,)."""
    actual = rows[params.data.target]
    if params.task == "regression":
        errors: np.ndarray = predictions["prediction"].to_numpy() - actual.to_numpy(dtype=float)
        return errors**2
    one_hot, scores = metrics.one_hot_and_scores(actual, predictions, params)
    if params.task == "binary":
        one_hot, scores = np.hstack([one_hot, ~one_hot]), np.hstack([scores, 1 - scores])
    losses: np.ndarray = -np.log(np.clip((one_hot * scores).sum(axis=1), metrics.EPSILON, None))
    return losses


def trivial_losses(train: pd.DataFrame, rows: pd.DataFrame, params: Params) -> np.ndarray:
    """Return the losses of a model that predicts the share of each class, or the mean, of the training rows."""
    known, actual = train[params.data.target], rows[params.data.target]
    if params.task == "regression":
        return (actual.to_numpy(dtype=float) - float(known.mean())) ** 2
    shares = known.astype(str).value_counts(normalize=True)
    return -np.log(actual.astype(str).map(shares).to_numpy(dtype=float))


def staleness(losses: Losses, trivial: dict[int, np.ndarray], period_days: int, params: Params) -> dict[str, Any]:
    """Return the curve, and the age at which a model is to be renewed.

    That is the youngest age at which a model has lost LOST_SHARE of what a renewed one gains over the trivial model, and
    surely (95% interval over rows) something.

    Args:
        losses: of the rows of each period, from the models of that fold and of earlier ones.
        trivial: the losses of the trivial model, by period.
        period_days: the length of a period.
        params: the task.

    Returns:
        `metric`, `period_days`, `curve`: of each age in days the number of `rows`, their mean `loss`, the loss of a
        `renewed` model on the same rows, and the share that is `lost` with its interval, `low` to `high`; `renew_days`, null if no age
        within the curve calls for it.
    """
    curve, renew_days = [], None
    for age in sorted({period - fold for fold, period in losses}):
        periods = [period for fold, period in losses if period - fold == age]
        old = np.concatenate([losses[period - age, period] for period in periods])
        renewed = np.concatenate([losses[period, period] for period in periods])
        gain = float(np.mean(np.concatenate([trivial[period] for period in periods]) - renewed))
        point = {
            "days": age * period_days,
            "rows": len(old),
            "loss": float(old.mean()),
            "renewed": float(renewed.mean()),
        }
        if gain > 0:
            difference = old - renewed
            error = 1.96 * float(difference.std()) / len(difference) ** 0.5
            lost = float(difference.mean())
            point |= {"lost": lost / gain, "low": (lost - error) / gain, "high": (lost + error) / gain}
        curve.append({name: round(value, 6) for name, value in point.items()})
        if renew_days is None and age and point.get("lost", 0.0) >= LOST_SHARE and point["low"] > 0:
            renew_days = age * period_days
    metric = "mean squared error" if params.task == "regression" else "log loss"
    return {"metric": metric, "period_days": period_days, "curve": curve, "renew_days": renew_days}


def curve_points(staleness: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the points of the plot: by age in days, the loss of models of that age and of renewed ones."""
    return [
        {"days": point["days"], "loss": point[name], "model": label}
        for name, label in (("loss", "of that age"), ("renewed", "renewed"))
        for point in staleness["curve"]
    ]
