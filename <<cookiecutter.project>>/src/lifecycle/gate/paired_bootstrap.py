"""Paired bootstrap: how certain it is that two models differ, on the test rows that both have predicted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lifecycle.core import config, metrics
from lifecycle.core.config import Params
from lifecycle.core.dvc import cache_folder, dvc
from lifecycle.core.dvc_files import stages_at
from lifecycle.core.errors import ProjectError
from lifecycle.core.files import file_hash, parse_yaml, read_parquet
from lifecycle.core.git import text_at
from lifecycle.core.metrics import Measure

MIN_SHARED = 0.5  # of the base's test rows: a branch cannot widen the interval by moving its rows elsewhere


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


def compare(base: str, predictions: Path | None, folder: Path) -> PairedComparison:
    """Compare the test predictions of a commit with those in a checkout of the branch."""
    try:
        before = Params.checked(parse_yaml(text_at(base, config.PARAMS) or "", str(config.PARAMS)), str(config.PARAMS))
        after = config.load(folder / config.PARAMS)
    except ProjectError:
        return _not_compared("the base's params.yaml cannot be read by this code")
    if predictions is None:
        return _not_compared("the base's predictions are neither in DVC's cache nor its remote")
    if _predicted(before) != _predicted(after):
        return _not_compared("the two sides predict different things")
    base_rows, branch_rows = read_parquet(predictions), read_parquet(folder / config.PREDICTIONS)
    key, target = after.data.id, after.data.target
    if key not in base_rows:
        return _not_compared(f"the base's rows have no column {key}")
    base_rows, branch_rows = (frame.set_index(frame[key].astype(str)) for frame in (base_rows, branch_rows))
    if base_rows.index.has_duplicates or branch_rows.index.has_duplicates:
        return _not_compared(f"{key} repeats among the test rows")
    shared = base_rows.index.intersection(branch_rows.index)
    base_target, branch_target = (frame.loc[shared, target].astype(str) for frame in (base_rows, branch_rows))
    shared = shared[(base_target == branch_target).to_numpy()]
    if len(shared) < MIN_SHARED * len(base_rows):
        return _not_compared(f"only {len(shared):,} of the base's {len(base_rows):,} test rows are still there")
    base_metrics = metrics.measure(base_rows.loc[shared, target], base_rows.loc[shared], before)
    branch_metrics = metrics.measure(branch_rows.loc[shared, target], branch_rows.loc[shared], after)

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


def _not_compared(reason: str) -> PairedComparison:
    return PairedComparison({}, 0, note=reason)


def _predicted(params: Params) -> tuple[Any, ...]:
    return params.task, params.data.id, params.data.target, params.data.positive


def predictions_at(commit: str) -> Path | None:
    """Return the test predictions of a commit as DVC has them, in its cache or its remote, or None.

    A file whose hash is not the one in that commit's dvc.lock is ignored.
    """
    outs = [out for stage in stages_at(commit, "the base").values() for out in stage.get("outs", [])]
    md5 = next((out.get("md5") for out in outs if out["path"] == str(config.PREDICTIONS)), None)
    if md5 is None:
        return None
    cached = cache_folder() / "files" / "md5" / md5[:2] / md5[2:]
    if not cached.exists():
        fetched = Path(".dvc/tmp") / f"base-{md5}.parquet"
        dvc("get", ".", str(config.PREDICTIONS), "--rev", commit, "--out", str(fetched), "--force", "--quiet")
        cached = fetched
    return cached if cached.exists() and file_hash(cached, "md5") == md5 else None
