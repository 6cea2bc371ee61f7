"""Walk-forward evaluation: for each period a model that was trained on what was known at its start.

As scikit-learn's TimeSeriesSplit, with time in the place of positions: the training rows grow from fold to fold, the rows of
`split.time.gap_days` before a period are left out because their target was not known yet, and a period is tested by rows that
none of its training rows follows. Periods are of equal length, in whole days, and end with the last row.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.core import config, metrics, predict
from lifecycle.core.config import Params
from lifecycle.core.entity_history import model_inputs
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.core.tables import figure
from lifecycle.core.time_settings import TimeSplit
from lifecycle.pipeline.baselines import sample
from lifecycle.pipeline.featurize import with_features
from lifecycle.pipeline.staleness_curve import Losses, row_losses, staleness, trivial_losses
from lifecycle.pipeline.train import fit

TRAINING_ROWS = 50_000  # at most, of each fold
TEST_ROWS = 20_000  # likewise
FEWEST_ROWS = 30  # to train on, and to test with
RESAMPLES = 100  # for the standard error of a fold's metrics


def measured(params: Params) -> dict[str, Any]:
    """Return the content of metrics/walk_forward.json for the dataset."""
    dataset = read_parquet(config.DATASET)
    frame = with_features(dataset, params)
    return walk_forward(frame, model_inputs(read_yaml(config.CONTRACT)["columns"], frame, params), params)


def walk_forward(frame: pd.DataFrame, inputs: list[str], params: Params) -> dict[str, Any]:
    """Return the metrics of each fold, their mean and spread, and how they fall with the age of the model.

    Args:
        frame: rows of all sides and of the gap, as `build_features` returns them, with id and target.
        inputs: the raw columns that the model is given.
        params: the estimator, split.time and evaluate.walk_forward.

    Returns:
        `folds`: `from`, `to`, `train_rows`, `rows` and `metrics` of each, `left_out`: a line for each that has none;
        `mean` and `deviation` of the metrics over the folds, and `beyond_chance`, the part of the deviation that the number
        of their rows does not explain; `staleness`: see staleness_curve.py.

    Raises ConfigError if the rows span too few days.
    """
    moments = frame[_time(params).column]
    bounds = period_bounds(moments, params)
    gap = pd.DateOffset(days=_time(params).gap_days)
    known = [frame[moments < start - gap] for start in bounds[:-1]]
    tested = [sample(frame[(moments >= start) & (moments < end)], TEST_ROWS, params) for start, end in pairwise(bounds)]
    reasons = [_unusable(train, test, params) for train, test in zip(known, tested, strict=True)]
    names = [f"{start:%Y-%m-%d} to {end:%Y-%m-%d}" for start, end in pairwise(bounds)]
    usable = [number for number, reason in enumerate(reasons) if not reason]
    folds: list[dict[str, Any]] = []
    errors: list[dict[str, float]] = []
    losses: Losses = {}
    for number in usable:
        train = sample(known[number], TRAINING_ROWS, params)
        model = fit(train, inputs, params)
        for later in usable[usable.index(number) :]:
            with predict.threads(len(tested[later])):
                predictions = predict.predict(model, tested[later], params)
            losses[number, later] = row_losses(tested[later], predictions, params)
            if later == number:
                of_fold, error = _figures(tested[number], predictions, params)
                rows = {"train_rows": len(train), "rows": len(tested[number])}
                folds.append({"from": names[number][:10], "to": names[number][-10:], **rows, "metrics": of_fold})
                errors.append(error)
    trivial = {number: trivial_losses(known[number], tested[number], params) for number in usable}
    return {
        "folds": folds,
        "left_out": [f"{name} is left out: {reason}" for name, reason in zip(names, reasons, strict=True) if reason],
        **_spread([fold["metrics"] for fold in folds], errors),
        "staleness": staleness(losses, trivial, (bounds[1] - bounds[0]).days, params),
    }


def period_bounds(moments: pd.Series, params: Params) -> pd.DatetimeIndex:
    """Return the ends of the periods, one more than there are folds: the first starts when one row in folds + 1 is known."""
    folds = params.evaluate.walk_forward.folds if params.evaluate.walk_forward else 0
    first = moments.sort_values().iloc[len(moments) // (folds + 1)]
    last = moments.max().normalize() + pd.DateOffset(days=1)
    days = (last - first).days // folds
    if days < 1:
        raise ConfigError(
            f"{config.PARAMS}: evaluate.walk_forward.folds is {folds}, and after the first 1/{folds + 1} of the rows there are only "
            f"{(last - first).days} whole days: use fewer folds"
        )
    return pd.date_range(end=last, periods=folds + 1, freq=pd.DateOffset(days=days))


def summary(content: dict[str, Any]) -> str:
    """Return in one line what was found: the mean of each metric over the folds, and its standard deviation."""
    of_metrics = [
        f"{name} {figure(mean)} ± {figure(content['deviation'][name])}"
        if name in content["deviation"]
        else figure(mean)
        for name, mean in content["mean"].items()
    ]
    return f"{len(content['folds'])} folds: {', '.join(of_metrics)}"


def _unusable(train: pd.DataFrame, test: pd.DataFrame, params: Params) -> str:
    """Why a fold is not evaluated, or nothing."""
    for rows, place in ((train, "known at its start"), (test, "in it")):
        if len(rows) < FEWEST_ROWS:
            return f"{len(rows)} rows are {place}, {FEWEST_ROWS} are needed"
    if params.task == "regression":
        return ""
    classes, classes_tested = (set(rows[params.data.target].unique()) for rows in (train, test))
    if len(classes_tested) < 2:
        return f"all of its rows are of class {next(iter(classes_tested))}"
    if unknown := sorted(str(name) for name in classes_tested - classes):
        return f"no row known at its start is of class {unknown[0]}"
    return ""


def _figures(
    test: pd.DataFrame, predictions: pd.DataFrame, params: Params
) -> tuple[dict[str, float], dict[str, float]]:
    """The metrics of a fold, and their standard errors; without those of labels if a rule chooses the threshold, for lack of rows to do so."""
    measure = metrics.measure(test[params.data.target], predictions, params)
    intervals = metrics.intervals(measure, len(test), RESAMPLES, params.seed)
    errors = {name: (interval["high"] - interval["low"]) / (2 * 1.96) for name, interval in intervals.items()}
    of_labels = {"f1", "accuracy"} if params.train.threshold else set()
    points = metrics.point(measure, len(test))
    return {name: value for name, value in points.items() if name not in of_labels}, errors


def _spread(folds: list[dict[str, float]], errors: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """The mean and the standard deviation of each metric over folds; and the deviation without what the standard errors explain."""
    spread: dict[str, dict[str, float]] = {"mean": {}, "deviation": {}, "beyond_chance": {}}
    for name in dict.fromkeys(name for fold in folds for name in fold):
        values = [fold[name] for fold in folds if name in fold]
        chance = float(np.mean([error[name] ** 2 for error in errors if name in error]))
        spread["mean"][name] = round(float(np.mean(values)), 6)
        if len(values) > 1:
            variance = float(np.var(values, ddof=1))
            spread["deviation"][name] = round(variance**0.5, 6)
            spread["beyond_chance"][name] = round(max(0.0, variance - chance) ** 0.5, 6)
    return spread


def _time(params: Params) -> TimeSplit:
    if params.split.time is None:
        raise ConfigError(f"{config.PARAMS}: evaluate.walk_forward needs split.time")
    return params.split.time
