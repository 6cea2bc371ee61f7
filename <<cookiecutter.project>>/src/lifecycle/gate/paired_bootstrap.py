"""Paired bootstrap: how sure it is that two models differ, judged on the rows that both have predicted."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lifecycle.core import config, metrics
from lifecycle.core.config import Params
from lifecycle.core.dvc import cache_folder, dvc
from lifecycle.core.errors import ProjectError
from lifecycle.core.files import file_hash, parse_yaml, read_parquet
from lifecycle.core.git import text_at

SHARED = 0.5  # of the base's test rows: a branch cannot make noise by moving its rows elsewhere


@dataclass(frozen=True)
class Paired:
    """What both sides' predictions for the same rows say."""

    changes: dict[str, dict[str, float]]
    """Metric → `change`, branch minus base on the shared rows, and its 95% interval `low` to `high`."""
    rows: int
    """Test rows that both sides have predicted, with the same target."""
    complete: bool = False
    """Whether these are all test rows of the base; the branch may have more."""
    why_not: str = ""
    """Why nothing could be compared, or how the rows differ."""


def compare(base: str, predictions: Path | None, folder: Path) -> Paired:
    """Compare the test predictions of a commit with those in a checkout of the branch.

    Percentile bootstrap of the difference, both models weighted by the same resample of rows (Efron and Tibshirani,
    An Introduction to the Bootstrap, 1993, chapters 13 and 16).
    """
    try:
        before = Params.checked(parse_yaml(text_at(base, config.PARAMS) or "", str(config.PARAMS)), str(config.PARAMS))
        after = config.load(folder / config.PARAMS)
    except ProjectError:
        return Paired({}, 0, why_not="the base's params.yaml cannot be read by this code")
    if predictions is None:
        return Paired({}, 0, why_not="the base's predictions are neither in DVC's cache nor its remote")
    asked = [(params.task, params.data.id, params.data.target, params.data.positive) for params in (before, after)]
    if asked[0] != asked[1]:
        return Paired({}, 0, why_not="the two sides predict something else")
    one, other = read_parquet(predictions), read_parquet(folder / config.PREDICTIONS)
    key, target = after.data.id, after.data.target
    if key not in one:
        return Paired({}, 0, why_not=f"the base's rows have no column {key}")
    one, other = (frame.set_index(frame[key].astype(str)) for frame in (one, other))
    if one.index.has_duplicates or other.index.has_duplicates:
        return Paired({}, 0, why_not=f"{key} repeats among the test rows")
    shared = one.index.intersection(other.index)
    shared = shared[(one.loc[shared, target].astype(str) == other.loc[shared, target].astype(str)).to_numpy()]
    if len(shared) < SHARED * len(one):
        return Paired({}, 0, why_not=f"only {len(shared):,} of the base's {len(one):,} test rows are still there")
    theirs = metrics.measure(one.loc[shared, target], one.loc[shared], before)
    ours = metrics.measure(other.loc[shared, target], other.loc[shared], after)

    def change(weights: np.ndarray) -> dict[str, float]:
        left, right = theirs(weights), ours(weights)
        return {name: right[name] - left[name] for name in right if name in left}

    points = metrics.point(change, len(shared))
    # Resamples and seed are the base's: with its own a branch could draw until a fall looks like noise.
    bounds = metrics.intervals(change, len(shared), before.evaluate.bootstrap, before.seed)
    found = {name: {"change": points[name], **bounds[name]} for name in points if name in bounds}
    note = (
        ""
        if len(one) == len(shared) == len(other)
        else f"the base has {len(one):,} test rows, the branch {len(other):,}"
    )
    return Paired(found, len(shared), len(shared) == len(one), note)


def predictions_at(commit: str) -> Path | None:
    """Return the test predictions of a commit as DVC has them, in its cache or its remote, or None.

    What is not what that commit's dvc.lock says is not taken.
    """
    lock = parse_yaml(text_at(commit, config.LOCK) or "{}", str(config.LOCK))
    outs = [out for stage in lock.get("stages", {}).values() for out in stage.get("outs", [])]
    md5 = next((out.get("md5") for out in outs if out["path"] == str(config.PREDICTIONS)), None)
    if md5 is None:
        return None
    cached = cache_folder() / "files" / "md5" / md5[:2] / md5[2:]
    if not cached.exists():
        fetched = Path(".dvc/tmp") / f"base-{md5}.parquet"
        dvc("get", ".", str(config.PREDICTIONS), "--rev", commit, "--out", str(fetched), "--force", "--quiet")
        cached = fetched
    return cached if cached.exists() and file_hash(cached, "md5") == md5 else None
