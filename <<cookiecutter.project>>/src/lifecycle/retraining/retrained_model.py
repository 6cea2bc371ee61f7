"""The commit that retraining makes: the dataset with its new rows, and all that the pipeline makes of it."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle.core import config, metrics
from lifecycle.core.config import Params
from lifecycle.core.dvc import failure_line
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import read_parquet
from lifecycle.core.git import NO_HOOKS, environment, git
from lifecycle.core.worktree import inside
from lifecycle.retraining import new_rows as merge

TRAILER = "Retrained-from"
MIN_ROWS = 30  # of the new test rows, below which a metric of them says nothing


@dataclass
class Candidate:
    """A dataset that has learned something, and the model that follows from it."""

    new: merge.New
    md5: str
    params: Params
    before: dict[str, float] = field(default_factory=dict)
    """The test metrics of the base."""
    after: dict[str, float] = field(default_factory=dict)
    """Those of the branch."""
    fresh: dict[str, Any] = field(default_factory=dict)
    """`rows`: new test rows; `answered`, `retrained`: metrics of what was answered to them, and of the new model."""

    @property
    def span(self) -> str:
        """The days from which the new rows are."""
        days = sorted({f"{row.answered:%Y-%m-%d}" for row in self.new.rows})
        return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def reproduce(folder: Path, candidate: Candidate) -> None:
    """Run the pipeline on the new dataset. Raises DataError with its failure_line if it fails."""
    test = config.METRICS / "test.json"
    candidate.before = _metrics(folder / test)
    command = [sys.executable, "-P", "-m", "dvc", "repro", "--pull"]
    done = subprocess.run(command, cwd=folder, env=inside(folder), capture_output=True, text=True)
    if done.returncode:
        raise DataError(f"the pipeline fails on the new dataset: {failure_line(done)}")
    candidate.after = _metrics(folder / test)
    candidate.fresh = on_new_rows(candidate, read_parquet(folder / config.PREDICTIONS))


def on_new_rows(candidate: Candidate, predictions: pd.DataFrame) -> dict[str, Any]:
    """Return how good the answers were that the log has for the new test rows, and how good the new model is on them.

    Neither model was trained on them. Nothing, where they are too few to say.
    """
    params, key = candidate.params, candidate.params.data.id
    table = predictions.set_index(predictions[key].astype(str))
    rows = {str(record[key]): row for record, row in zip(candidate.new.records, candidate.new.rows, strict=True)}
    ids = [name for name in rows if name in table.index]
    if len(ids) < MIN_ROWS:
        return {}
    ours = table.loc[ids]
    answers = [rows[name].answer for name in ids]
    flat = [
        answer | {f"probability_{name}": value for name, value in answer.get("probabilities", {}).items()}
        for answer in answers
    ]
    theirs = pd.DataFrame(flat, index=ours.index).drop(columns="probabilities", errors="ignore")
    actual = ours[params.data.target]
    measured = [metrics.point(metrics.measure(actual, side, params), len(ids)) for side in (theirs, ours)]
    return {"rows": len(ids), "answered": measured[0], "retrained": measured[1]}


def commit(folder: Path, candidate: Candidate, reason: str, base: str) -> str:
    """Commit all that is new in a worktree and return the commit's hash."""
    message = f"{subject(candidate)}\n\n{body(candidate, reason)}\n\n{TRAILER}: {base}\n"
    git("add", "--all", folder=folder)
    done = subprocess.run(
        ["git", *NO_HOOKS, "commit", "--quiet", "--no-verify", "--cleanup=whitespace", "--file=-"],
        cwd=folder,
        env=environment(),
        input=message,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ConfigError(f"git commit: {done.stderr.strip()}")
    return git("rev-parse", "HEAD", folder=folder).strip()


def subject(candidate: Candidate) -> str:
    return f"Retrain with {len(candidate.new.records):,} newly labelled rows, {candidate.span}"


def body(candidate: Candidate, reason: str) -> str:
    """Why, and what changed, in lines."""
    return "\n".join([f"Why: {reason or 'newly labelled rows'}", *account(candidate.new), *figures(candidate)])


def figures(candidate: Candidate) -> list[str]:
    """The metrics before and after, in lines."""
    lines, fresh = [f"Test rows of each: {_changes(candidate.before, candidate.after)}"], candidate.fresh
    if fresh:
        changes = _changes(fresh["answered"], fresh["retrained"])
        lines.append(f"The {fresh['rows']:,} new test rows, as they were answered and retrained: {changes}")
    return lines


def _changes(before: dict[str, float], after: dict[str, float]) -> str:
    return ", ".join(f"{name} {before.get(name, float('nan')):.4f} → {value:.4f}" for name, value in after.items())


def account(new: merge.New) -> list[str]:
    """What has become of the labelled rows, in lines."""
    known = f"; {new.known:,} more are in the dataset already" if new.known else ""
    lines = [f"{len(new.records):,} rows are new{known}"]
    lines += [f"{new.repeated:,} were answered again later, and that counts"] if new.repeated else []
    if new.aside:
        lines.append(f"{new.aside.total():,} break the contract and are set aside:")
        lines += [f"  {count:,}: {why}" for why, count in new.aside.most_common(10)]
        lines += ["  and others"] if len(new.aside) > 10 else []
    return lines


def _metrics(path: Path) -> dict[str, float]:
    return json.loads(path.read_text()) if path.exists() else {}
