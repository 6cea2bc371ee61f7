"""Paired bootstrap: how certain it is that two models differ, on the test rows that both have predicted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.core import config, metrics
from lifecycle.core.config import Params
from lifecycle.core.errors import ProjectError
from lifecycle.core.files import parse_yaml, read_parquet
from lifecycle.core.git import text_at
from lifecycle.core.metrics import Measure, MeasureOf
from lifecycle.gate.check_result import finite_or_none

MIN_SHARED = 0.9  # of the base's test rows; with fewer, the two sides are not judged by the same rows


@dataclass(frozen=True)
class PairedComparison:
    """How the predictions of base and branch for the same rows differ."""

    changes: dict[str, dict[str, float]]
    """Metric → `change`, branch minus base on the shared rows, and its 95% interval `low` to `high`."""
    rows: int
    """Test rows that both sides have predicted, with the same target."""
    complete: bool = False
    """Whether these are all test rows of the base; the branch may have more."""
    note: str = ""
    """Why nothing could be compared, or how the rows differ."""
    other_rows: str = ""
    """How the test rows differ, if they are others than the base's: nothing of the two is comparable then."""
    problem: str = ""
    """Why the branch's metrics cannot be believed, if so."""


def compare(
    base: str,
    predictions: Path | None,
    folder: Path,
    figures: dict[str, Any],
    tolerance: float,
    own: MeasureOf | None = None,
) -> PairedComparison:
    """Compare the test predictions of a commit with those in a checkout of the branch.

    The metrics of each side must follow from its predictions. If the base's do not, nothing is paired; if the branch's do
    not, that is a problem.

    Args:
        base: the commit.
        predictions: its predictions for the test rows, if there are any.
        folder: the checkout.
        figures: the metrics of the test rows: name → `old`, the base's, and `new`, the branch's.
        tolerance: how far a metric may be from the one that the predictions give.
        own: the measure of the user's metrics, for both sides.
    """
    try:
        before = Params.checked(parse_yaml(text_at(base, config.PARAMS) or "", str(config.PARAMS)), str(config.PARAMS))
        after = config.load(folder / config.PARAMS)
    except ProjectError:
        return _not_compared("the base's params.yaml cannot be read by this code")
    if predictions is None:
        return _not_compared(
            "the base's predictions are neither in DVC's cache nor its remote, and its pipeline does not run here"
        )
    if _predicted(before) != _predicted(after):
        return _not_compared("the two sides predict different things")
    base_rows, branch_rows = read_parquet(predictions), read_parquet(folder / config.PREDICTIONS)
    key, target = after.data.id, after.data.target
    if problem := _contradiction(branch_rows, after, figures, "new", tolerance):
        return PairedComparison({}, 0, note=problem, problem=f"the branch's {problem}")
    if not {key, target} <= {*base_rows}:
        return _not_compared(f"the base's predictions have no column {key}, or none {target}")
    if problem := _contradiction(base_rows, before, figures, "old", tolerance, own):
        return _not_compared(f"the base's {problem}")
    base_rows, branch_rows = (frame.set_index(frame[key].astype(str)) for frame in (base_rows, branch_rows))
    if base_rows.index.has_duplicates or branch_rows.index.has_duplicates:
        return _not_compared(f"{key} repeats among the test rows")
    shared = base_rows.index.intersection(branch_rows.index)
    base_target, branch_target = (frame.loc[shared, target].astype(str) for frame in (base_rows, branch_rows))
    shared = shared[(base_target == branch_target).to_numpy()]
    if len(shared) < MIN_SHARED * len(base_rows):
        difference = (
            f"only {len(shared):,} of the base's {len(base_rows):,} test rows are still there with the same {target}"
        )
        return PairedComparison({}, 0, note=difference, other_rows=difference)
    base_metrics = metrics.measure(base_rows.loc[shared, target], base_rows.loc[shared], before, own)
    branch_metrics = metrics.measure(branch_rows.loc[shared, target], branch_rows.loc[shared], after, own)

    # Resamples and seed are the base's: with its own a branch could draw until a fall looks like noise.
    changes = changes_of(base_metrics, branch_metrics, len(shared), before.evaluate.bootstrap, before.seed)
    same_rows = len(base_rows) == len(shared) == len(branch_rows)
    note = "" if same_rows else f"the base has {len(base_rows):,} test rows, the branch {len(branch_rows):,}"
    return PairedComparison(changes, len(shared), len(shared) == len(base_rows), note)


def changes_of(base: Measure, branch: Measure, rows: int, resamples: int, seed: int) -> dict[str, dict[str, float]]:
    """Return the change of each metric from one model to another, and its 95% interval: `change`, `low`, `high`.

    Percentile bootstrap of the difference, both models weighted by the same resample of rows (Efron and Tibshirani,
    An Introduction to the Bootstrap, 1993, chapters 13 and 16).

    Args:
        base: the measure of one model's predictions.
        branch: that of the other's, of the same rows.
        rows: how many.
        resamples: of the bootstrap.
        seed: of their choice.
    """

    def change(weights: np.ndarray) -> dict[str, float]:
        base_values, branch_values = base(weights), branch(weights)
        return {name: branch_values[name] - base_values[name] for name in branch_values if name in base_values}

    points = metrics.point(change, rows)
    bounds = metrics.intervals(change, rows, resamples, seed)
    return {name: {"change": points[name], **bounds[name]} for name in points if name in bounds}


def _contradiction(
    rows: pd.DataFrame,
    params: Params,
    figures: dict[str, Any],
    side: str,
    tolerance: float,
    own: MeasureOf | None = None,
) -> str:
    """How the metrics of one side differ from those that its predictions give, or nothing."""
    try:
        points = metrics.point(metrics.measure(rows[params.data.target], rows, params, own), len(rows))
    except (KeyError, ValueError, TypeError) as error:
        return f"predictions cannot be measured: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    for name, value in points.items():
        figure = finite_or_none(figures.get(name, {}).get(side))
        if figure is not None and not abs(value - figure) <= tolerance * max(1.0, abs(figure)):
            return (
                f"metrics do not follow from its predictions: {name} is {figure:.4f}, the predictions give {value:.4f}"
            )
    return ""


def _not_compared(reason: str) -> PairedComparison:
    return PairedComparison({}, 0, note=reason)


def _predicted(params: Params) -> tuple[Any, ...]:
    return params.task, params.data.id, params.data.target, params.data.positive
