"""Paired bootstrap: how sure it is that two models differ, judged on the rows that both have predicted."""

from dataclasses import dataclass
from pathlib import Path

from << cookiecutter.package >> import config, metrics
from << cookiecutter.package >>.config import Params
from << cookiecutter.package >>.errors import ProjectError
from << cookiecutter.package >>.files import file_hash, parse_yaml, read_parquet
from << cookiecutter.package >>.release.revisions import cache_folder, dvc, text_at

SHARED = 0.5  # of the base's test rows: a branch cannot make noise by moving its rows elsewhere


@dataclass(frozen=True)
class Paired:
    intervals: dict[str, dict[str, float]]
    """Metric → `low` and `high`, the 95% interval of branch minus base."""
    rows: int
    """Test rows that both sides have predicted."""
    why_not: str = ""
    """Why there are no intervals."""


def compare(base: str, predictions: Path | None, folder: Path) -> Paired:
    """Compare the test predictions of a commit with those in a checkout of the branch.

    Percentile bootstrap of the difference, both models weighted by the same resample of rows (Efron and Tibshirani,
    An Introduction to the Bootstrap, 1993, chapters 13 and 16).
    """
    try:
        before = Params.checked(parse_yaml(text_at(base, config.PARAMS) or "", str(config.PARAMS)), str(config.PARAMS))
        after = config.load(folder / config.PARAMS)
    except ProjectError:
        return Paired({}, 0, "the base's params.yaml cannot be read by this code")
    if predictions is None:
        return Paired({}, 0, "the base's predictions are neither in DVC's cache nor its remote")
    if (before.task, before.data.target) != (after.task, after.data.target):
        return Paired({}, 0, "the two sides predict something else")
    one, other = read_parquet(predictions), read_parquet(folder / config.PREDICTIONS)
    key, target = after.data.id, after.data.target
    if key not in one:
        return Paired({}, 0, f"the base's rows have no column {key}")
    one, other = (frame.set_index(frame[key].astype(str)) for frame in (one, other))
    shared = one.index.intersection(other.index)
    shared = shared[(one.loc[shared, target].astype(str) == other.loc[shared, target].astype(str)).to_numpy()]
    if len(shared) < SHARED * len(one):
        return Paired({}, 0, f"only {len(shared):,} of the base's {len(one):,} test rows are still there")
    theirs = metrics.measure(one.loc[shared, target], one.loc[shared], before)
    ours = metrics.measure(other.loc[shared, target], other.loc[shared], after)
    found = metrics.intervals(
        lambda weights: _minus(ours(weights), theirs(weights)), len(shared), after.evaluate.bootstrap, after.seed
    )
    return Paired(found, len(shared))


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


def _minus(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
    return {name: ours[name] - theirs[name] for name in ours if name in theirs}
