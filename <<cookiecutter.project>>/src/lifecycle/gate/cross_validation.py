"""The metrics of the chosen estimator by cross-validation over all rows, for where the test rows are too few."""

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from lifecycle.core import metrics, predict
from lifecycle.core.config import Params
from lifecycle.core.metrics import MeasureOf
from lifecycle.pipeline.train import fit

FOLDS = 5
ROWS = 50_000  # at most


def cross_validated(
    frame: pd.DataFrame, inputs: list[str], params: Params, resamples: int, own: MeasureOf | None = None
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return the metrics of out-of-fold predictions, and their 95% intervals; nothing if a class has fewer than two rows.

    Args:
        frame: rows of all sides, as `build_features` returns them, with id and target.
        inputs: the raw columns that the model is given.
        params: the estimator, the seed, and the groups of rows that stay together.
        resamples: of the bootstrap.
        own: the measure of the user's metrics.
    """
    frame = frame.sample(min(len(frame), ROWS), random_state=params.seed).reset_index(drop=True)
    target, folds = frame[params.data.target], FOLDS
    if params.task != "regression":
        folds = min(FOLDS, int(target.value_counts().loc[lambda counts: counts > 0].min()))
        if folds < 2:
            return {}, {}
    predictions = []
    for train, test in _splitter(params, folds).split(frame, target.astype(str), _groups(frame, params)):
        model = fit(frame.iloc[train].reset_index(drop=True), inputs, params)
        held_out = frame.iloc[test]
        with predict.threads(len(held_out)):
            predictions.append(predict.predict(model, held_out, params))
    columns = (
        ["prediction"] if params.task == "regression" else [name for name in predictions[0] if name != "prediction"]
    )
    all_rows = pd.concat([of_fold.reindex(columns=columns, fill_value=0.0) for of_fold in predictions]).sort_index()
    measure = metrics.measure(target, all_rows, params, own)
    points = metrics.point(measure, len(frame))
    return points, metrics.intervals(measure, len(frame), resamples, params.seed)


def scaled(
    points: dict[str, float], intervals: dict[str, dict[str, float]], factor: float
) -> dict[str, dict[str, float]]:
    """Return intervals widened around their metrics by a factor, such as to those of fewer rows."""
    return {
        name: {end: points[name] + factor * (interval[end] - points[name]) for end in ("low", "high")}
        for name, interval in intervals.items()
        if name in points
    }


def _splitter(params: Params, folds: int) -> GroupKFold | KFold | StratifiedGroupKFold | StratifiedKFold:
    if params.split.group:
        return GroupKFold(folds) if params.task == "regression" else StratifiedGroupKFold(folds)
    kind = KFold if params.task == "regression" else StratifiedKFold
    return kind(folds, shuffle=True, random_state=params.seed)


def _groups(frame: pd.DataFrame, params: Params) -> np.ndarray | None:
    return frame[params.split.group].astype(str).to_numpy() if params.split.group else None
