"""Limits for gates.yaml, from what the present model reaches and how uncertain that is."""

from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle.core import config, model_file, predict
from lifecycle.core.config import Params
from lifecycle.core.dvc_files import metrics_of
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_parquet, read_text, read_yaml
from lifecycle.core.metric_process import MetricProcess
from lifecycle.core.metrics import BIASED, MeasureOf
from lifecycle.core.own_metrics import OwnMetrics, declared_here, sign_of
from lifecycle.core.tables import figure
from lifecycle.gate.baseline_rules import loss_of
from lifecycle.gate.check_result import finite_or_none
from lifecycle.gate.cross_validation import cross_validated, scaled
from lifecycle.gate.limits import MetricLimit, metric_limit
from lifecycle.gate.period_spread import with_periods
from lifecycle.gate.policy_text import policy_text
from lifecycle.gate.proposal_table import proposal_table, slices_explained
from lifecycle.gate.refits import REFITS, Spread, refitted_predictions, spreads
from lifecycle.gate.slice_limits import is_useful, rows_needed, slice_limit

SUITABLE = {
    "binary": ["roc_auc", "average_precision", "log_loss", "brier", "miscalibration"],
    "multiclass": ["roc_auc", "log_loss", "f1", "accuracy", "miscalibration"],
    "regression": ["rmse", "mae", "r2"],
}
FEW_TEST_ROWS = 100
TOLERANCE = 0.0001

Intervals = dict[str, dict[str, float]]
Baselines = dict[str, dict[str, float]]


def propose(params: Params) -> tuple[str, list[str]]:
    """Return the text of gates.yaml and the lines that explain its limits.

    It needs the results of `dvc repro` in the working tree, and fits the estimator a few times more.

    Raises ConfigError if results are missing, or not of one run.
    """
    with MetricProcess(params.package, declared_here(params.package)) as own:
        return _proposal(params, own)


def _proposal(params: Params, own: MetricProcess) -> tuple[str, list[str]]:
    baselines = {name: _json(path) for name, path in config.BASELINES.items()}
    intervals = _json(config.INTERVALS)
    test, first = _features("test"), read_parquet(config.PREDICTIONS)
    if list(test[params.data.id]) != list(first[params.data.id]):
        raise ConfigError(f"{config.PREDICTIONS} is not of the rows in {config.FEATURES}: run `make repro` first")
    model = model_file.load(config.MODEL, params.package)
    inputs, params = list(model.feature_names_in_), params.labelling_at(predict.threshold(model, params))
    refitted = refitted_predictions(_features("train"), test, inputs, params)
    measured, of_periods = with_periods(spreads(test[params.data.target], first, refitted, params, own.measure))
    points = {name: spread.first for name, spread in measured.items()}
    lines = [
        f"{len(test):,} test rows, and {REFITS} refits, each with another seed and a resample of the training rows"
    ]
    widths, lacking = intervals, too_few(params, len(test), points, intervals)
    if lacking:
        frame = pd.concat([_features(side) for side in ("train", "validation", "test")], ignore_index=True)
        lines.append(f"{lacking}: the figures below are of 5-fold cross-validation over all {len(frame):,} rows")
        points, widths, failure = _of_all_rows(frame, inputs, params, len(test), points, intervals, own.measure)
        lines[-1] = f"{lacking}, and {failure}" if failure else lines[-1]
    limits = proposed_limits(params, points, widths, measured, baselines["trivial"], own.own)
    main = next(iter(limits))
    lines += ["", *proposal_table(limits, points, widths, measured).splitlines(), ""]
    beats, of_beats = beaten(loss_of(params.task), limits, baselines)
    min_rows = rows_needed(main, measured[main].first, intervals[main], len(test))
    of_slices = slice_limit(main, test, first, refitted, min_rows, params)
    lines += [*of_periods, *of_beats, slices_explained(main, min_rows, of_slices, params)]
    present = read_yaml(config.GATES) if config.GATES.exists() else {}
    slices = (main, of_slices[0], min_rows) if of_slices else None
    not_recomputed, tolerance = present.get("not_recomputed", {}), present.get("tolerance", TOLERANCE)
    if not isinstance(not_recomputed, dict) or finite_or_none(tolerance) is None:
        raise ConfigError(f"{config.GATES}: not_recomputed is no mapping, or tolerance no number: correct it")
    return policy_text(limits, beats, slices, not_recomputed, tolerance), _worthless(
        params, measured, baselines
    ) + lines


def proposed_limits(
    params: Params,
    points: dict[str, float],
    intervals: Intervals,
    measured: dict[str, Spread],
    trivial: dict[str, float],
    own: OwnMetrics | None = None,
) -> dict[str, MetricLimit]:
    """Return the limits of each metric that suits the task, the main one first.

    Args:
        params: the task.
        points: what the model reaches.
        intervals: the 95% interval of each metric.
        measured: the spread of each metric over refits.
        trivial: the metrics of the trivial model.
        own: the user's metrics, which come last.

    Raises ConfigError if the test rows do not define one of them.
    """
    suitable = [*SUITABLE[params.task], *(own or {})]
    names = [name for name in suitable if name in points and name in intervals and name in measured]
    if not names:
        raise ConfigError(
            f"{config.METRICS}/test.json has none of {', '.join(SUITABLE[params.task])}: nothing to limit"
        )
    bounds = {name: trivial.get(name) for name in names if name not in BIASED}  # what is the same for all is calibrated
    return {
        name: metric_limit(name, points[name], intervals[name], measured[name], bounds.get(name), own) for name in names
    }


def beaten(loss: str, limits: dict[str, MetricLimit], baselines: Baselines) -> tuple[dict[str, str], list[str]]:
    """Return the baselines that the model beats even at its limit in a loss (baseline → loss), and a line on each."""
    beats, lines = {}, []
    for name in ("trivial", "linear"):
        reference = baselines.get(name, {}).get(loss)
        if reference is None or loss not in limits:
            lines.append(f"beats: there is no {loss} of the {name} model, so to beat it is not demanded")
        elif limits[loss].reached < reference:
            beats[name] = loss
            lines.append(
                f"beats: at its limit the model still has a better {loss} than the {name} one, {figure(reference)}"
            )
        else:
            demanded = "demanded all the same" if name == "trivial" else "so to beat it is not demanded"
            lines.append(
                f"at its limit the {loss} is no better than that of the {name} model, {figure(reference)}: {demanded}"
            )
    return beats, lines


def too_few(params: Params, rows: int, points: dict[str, float], intervals: Intervals) -> str:
    """Return why the test rows are too few to tell anything, or nothing."""
    if rows < FEW_TEST_ROWS:
        return f"{rows} test rows are too few to tell anything"
    main = SUITABLE[params.task][0]
    if main not in points or main not in intervals:
        return f"the test rows do not define {main}"
    low, high = intervals[main]["low"], intervals[main]["high"]
    if is_useful(main, points[main], intervals[main]):
        return ""
    return f"{rows:,} test rows are too few to tell much ({main}: 95% interval {figure(low)} to {figure(high)})"


def _of_all_rows(
    frame: pd.DataFrame,
    inputs: list[str],
    params: Params,
    rows: int,
    points: dict[str, float],
    intervals: Intervals,
    own: MeasureOf,
) -> tuple[dict[str, float], Intervals, str]:
    """The cross-validated figures, their intervals as wide as those of so many test rows; or the given ones, and why."""
    of_all, of_all_intervals = cross_validated(frame, inputs, params, params.evaluate.bootstrap, own)
    if not of_all:
        return points, intervals, "a class has fewer than two rows, so there is no cross-validation"
    return of_all, scaled(of_all, of_all_intervals, max(1.0, (len(frame) / rows) ** 0.5)), ""


def _worthless(params: Params, measured: dict[str, Spread], baselines: Baselines) -> list[str]:
    """A line if the model is no better than the trivial one."""
    loss = loss_of(params.task)
    reference, reached = baselines["trivial"].get(loss), measured[loss].first
    if reference is None or sign_of(loss) * (reached - reference) > 0:
        return []
    return [
        f"THE MODEL IS NO BETTER THAN THE TRIVIAL ONE ({loss} {figure(reached)}, trivial {figure(reference)}): the gate fails until it is"
    ]


def _features(side: str) -> pd.DataFrame:
    return read_parquet(config.FEATURES / f"{side}.parquet")


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; `make repro` makes it")
    return metrics_of(read_text(path), f"{path} (which `make repro` makes anew)")
