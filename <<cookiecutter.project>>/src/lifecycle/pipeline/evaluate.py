"""Model and features in; metrics, plots, predictions and the model card out.

metrics/{train,validation,test}.json   the metrics of each side of the split; the gate judges those of `test`
metrics/{trivial,linear}.json          those of two models to compare with, on the test rows
metrics/slices.json                    the metrics of the test rows, per value of the columns in evaluate.slices
metrics/weak_slices.json               those of slices in which the model errs more than it says: see weak_slices.py
reports/intervals.json                 the 95% interval of each test metric, and of the threshold if a rule chooses it on validation rows
data/reference/reference.parquet       a sample of the test rows with predictions: see core/reference.py
"""

import shutil
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.core import config, metrics, package_versions, plots, reference
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_json, read_parquet, read_text, write_json, write_parquet, write_text
from lifecycle.core.metric_process import MetricProcess
from lifecycle.core.metrics import MeasureOf
from lifecycle.core.own_metrics import declared_here
from lifecycle.core.tables import figure
from lifecycle.pipeline import baselines, decision, run
from lifecycle.pipeline.evaluation import Evaluation
from lifecycle.pipeline.importance import column_importance
from lifecycle.pipeline.model_card import model_card
from lifecycle.pipeline.prediction_process import PredictionProcess
from lifecycle.pipeline.staleness_curve import curve_points
from lifecycle.pipeline.threshold_card import achieved
from lifecycle.pipeline.weak_slices import measured, search


def slice_metrics(
    frame: pd.DataFrame, predictions: pd.DataFrame, params: Params, own: MeasureOf | None = None
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return column → value → `rows` and metrics, for the columns in evaluate.slices."""
    slices: dict[str, dict[str, dict[str, Any]]] = {}
    for column in params.evaluate.slices:
        slices[column] = {}
        for value, rows in frame.groupby(column, observed=True):
            measure = metrics.measure(rows[params.data.target], predictions.loc[rows.index], params, own)
            slices[column][str(value)] = {"rows": len(rows), **metrics.point(measure, len(rows))}
    return slices


def curves(actual: pd.Series, predictions: pd.DataFrame, params: Params) -> dict[str, plots.Points]:
    """Return the points of every plot that suits the task, by file name."""
    if params.task == "regression":
        predicted = predictions["prediction"].to_numpy()
        residual = actual.to_numpy(dtype=float) - predicted
        bound = float(np.ceil(np.abs(residual).max() * 10) / 10) or 1.0
        return {
            "distribution": plots.histogram(residual, np.full(len(residual), "residual"), (-bound, bound)),
            "calibration": plots.calibration(predicted, actual.to_numpy(dtype=float)),
        }
    one_hot, scores = metrics.one_hot_and_scores(actual, predictions, params)
    chosen = scores.argmax(axis=1) if params.task == "multiclass" else np.zeros(len(scores), dtype=int)
    rows = np.arange(len(scores))
    return {
        "roc": plots.roc(one_hot, scores),
        "precision_recall": plots.precision_recall(one_hot, scores),
        "calibration": plots.calibration(scores[rows, chosen], one_hot[rows, chosen].astype(float)),
        "distribution": plots.histogram(scores[rows, chosen], actual.astype("str").to_numpy(), (0, 1)),
        "confusion": plots.confusion(actual.to_numpy(), predictions["prediction"].to_numpy()),
    }


def walk_forward_results(params: Params) -> dict[str, Any]:
    """Return what the stage walk_forward found, if params.yaml has it; an older dvc.yaml lacks the stage."""
    if params.evaluate.walk_forward is None:
        return {}
    if not config.WALK_FORWARD.exists():
        raise ConfigError(
            f"{config.WALK_FORWARD}: no such file; the stage walk_forward of dvc.yaml writes it: `make template-update` brings it"
        )
    return parse_json(read_text(config.WALK_FORWARD), str(config.WALK_FORWARD))


def main() -> str:
    params = config.load()
    over_time = walk_forward_results(params)
    target = params.data.target
    points = {}
    own_metrics = declared_here(params.package)
    # First of all, because the one that predicts is a copy of this process.
    with PredictionProcess(params) as model, MetricProcess(params.package, own_metrics) as own:
        for side in ("train", "validation", "test"):
            frame = read_parquet(config.FEATURES / f"{side}.parquet")
            predictions = model.predict(frame)
            measure = metrics.measure(frame[target], predictions, params, own.measure)
            points[side] = metrics.point(measure, len(frame))
            own.require(points[side], f"{len(frame):,} {side} rows")
            if side == "validation":
                of_threshold = decision.intervals(frame[target], predictions, params)
                at_threshold = achieved(frame[target], predictions, model.threshold, params)
                columns = list(dict.fromkeys([*params.evaluate.slices, *model.inputs]))
                weakest, searched = search(frame, predictions, columns, params)
        # From here on, frame, predictions and measure are those of the test rows.
        importances = column_importance(model.predict, model.inputs, frame, params)
        of_baselines, failure = model.baselines(frame)
        without = model.uncalibrated(frame) if params.train.calibration else None
        compared = baselines.figures(of_baselines, frame, params, own.measure)
        bounds = metrics.intervals(measure, len(frame), params.evaluate.bootstrap, params.seed)
        slices = slice_metrics(frame, predictions, params, own.measure)
        weak = {"searched": searched, "slices": measured(weakest, frame, predictions, params, own.measure)}
    if of_threshold:
        points["validation"] |= {"threshold": model.threshold}
    bounds |= of_threshold

    before = {} if without is None else metrics.point(metrics.measure(frame[target], without, params), len(frame))

    drawn = {**curves(frame[target], predictions, params), "importance": plots.importance(importances)}
    if over_time:
        drawn["staleness"] = curve_points(over_time["staleness"])
    plotted = {name: curve for name, curve in drawn.items() if curve}  # of one class there is no ROC curve
    sample = reference.reference(frame, predictions, model.inputs, params)
    evaluation = Evaluation(
        estimator=model.estimator,
        decision=decision.in_words(model.threshold, of_threshold.get("threshold"), params),
        at_threshold=at_threshold,
        versions=package_versions.recorded(),
        rows=len(frame),
        points=points,
        intervals=bounds,
        slices=slices,
        weak=weak,
        importances=importances,
        baselines=compared,
        baseline_failure=failure,
        uncalibrated=before,
        walk_forward=over_time,
    )
    card = model_card(params, evaluation)

    # Nothing is written until everything is computed.
    shutil.rmtree(config.PLOTS, ignore_errors=True)  # a plot of another task must not remain
    for name, curve in plotted.items():
        write_json(curve, config.PLOTS / f"{name}.json")
    for side, values in points.items():
        write_json(values, config.METRICS / f"{side}.json")
    for name, path in config.BASELINES.items():
        write_json(compared[name], path)
    write_json(slices, config.SLICES)
    write_json(weak, config.WEAK_SLICES)
    write_json(bounds, config.INTERVALS)
    write_text(card, config.MODEL_CARD)
    write_parquet(pd.concat([frame[[params.data.id, target]], predictions], axis=1), config.PREDICTIONS)
    reference.write(sample, config.REFERENCE)
    summary = ", ".join(f"{name} {figure(value)}" for name, value in points["test"].items())
    return f"{len(frame):,} test rows: {summary}; wrote {config.METRICS}, {config.PLOTS}, {config.MODEL_CARD}"


if __name__ == "__main__":
    run("evaluate", main)
