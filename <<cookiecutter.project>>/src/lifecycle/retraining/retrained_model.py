"""The commit of a retraining: the dataset with its new rows, and all that the pipeline makes of it."""

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
from lifecycle.core.git import NO_HOOKS, git
from lifecycle.core.home import NAME, at_root
from lifecycle.core.model_folders import folder_of, names_here
from lifecycle.core.worktree import inside
from lifecycle.retraining.new_rows import NewRows

TRAILER = "Retrained-from"
MIN_TEST_ROWS = 30  # new ones, below which their metrics mean nothing


@dataclass
class RetrainedModel:
    """A dataset with new rows, and the model trained on it."""

    new: NewRows
    md5: str
    """Of the dataset."""
    params: Params
    before: dict[str, float] = field(default_factory=dict)
    """The test metrics of the base."""
    after: dict[str, float] = field(default_factory=dict)
    """Those of the branch."""
    new_test_rows: dict[str, Any] = field(default_factory=dict)
    """`rows`: how many; `answered`, `retrained`: metrics of what was answered in production, and of the new model."""

    @property
    def days(self) -> str:
        """The days on which the new rows were answered."""
        days = sorted({f"{row.answered:%Y-%m-%d}" for row in self.new.rows})
        return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def reproduce(folder: Path, model: RetrainedModel) -> None:
    """Run the pipeline on the new dataset.

    Raises DataError with the line that says why if it fails, ConfigError if that is not the data's fault: MLflow does not answer.
    """
    test = config.METRICS / "test.json"
    model.before = _metrics(folder / test)
    command = [sys.executable, "-P", "-m", "dvc", "repro", "--pull"]
    top = at_root(folder)
    for home in (
        folder,
        *(top / folder_of(name) for name in names_here(top) if name != NAME),
    ):  # they may share its table
        repro = subprocess.run(command, cwd=home, env=inside(folder), capture_output=True, text=True)
        if "exited with 2" in repro.stderr:  # a stage's own code for configuration and environment
            raise ConfigError(f"the pipeline cannot be run: {failure_line(repro)}")
        if repro.returncode:
            raise DataError(f"the pipeline fails on the new dataset: {failure_line(repro)}")
    model.after = _metrics(folder / test)
    model.new_test_rows = on_new_test_rows(model, read_parquet(folder / config.PREDICTIONS))


def on_new_test_rows(model: RetrainedModel, predictions: pd.DataFrame) -> dict[str, Any]:
    """Return the metrics of what was answered to the new test rows, and of the new model on them.

    Neither model was trained on them. Empty if there are fewer than MIN_TEST_ROWS.
    """
    params, key = model.params, model.params.data.id
    table = predictions.set_index(predictions[key].astype(str))
    rows = {str(record[key]): row for record, row in zip(model.new.records, model.new.rows, strict=True)}
    ids = [name for name in rows if name in table.index]
    if len(ids) < MIN_TEST_ROWS:
        return {}
    retrained = table.loc[ids]
    answers = [rows[name].answer for name in ids]
    flat = [
        answer | {f"probability_{name}": value for name, value in answer.get("probabilities", {}).items()}
        for answer in answers
    ]
    answered = pd.DataFrame(flat, index=retrained.index).drop(columns="probabilities", errors="ignore")
    actual = retrained[params.data.target]
    points = [metrics.point(metrics.measure(actual, side, params), len(ids)) for side in (answered, retrained)]
    return {"rows": len(ids), "answered": points[0], "retrained": points[1]}


def commit(folder: Path, model: RetrainedModel, reason: str, base: str) -> str:
    """Commit all changes in a worktree and return the hash of the commit. Raises ConfigError if git refuses.

    Args:
        folder: the worktree.
        model: what was trained in it.
        reason: why, for the message.
        base: the commit it was trained from.
    """
    subject = f"Retrain with {len(model.new.records):,} newly labelled rows, {model.days}"
    body = [f"Why: {reason or 'newly labelled rows'}", *account(model.new), *figures(model)]
    message = "\n".join([subject, "", *body, "", f"{TRAILER}: {base}", ""])
    git("add", "--all", folder=folder)
    options = ("--quiet", "--no-verify", "--cleanup=whitespace", "--file=-")
    git(*NO_HOOKS, "commit", *options, folder=folder, stdin=message)
    return git("rev-parse", "HEAD", folder=folder).strip()


def figures(model: RetrainedModel) -> list[str]:
    """Return the metrics before and after, in lines."""
    lines, rows = [f"Test rows of each: {_changes(model.before, model.after)}"], model.new_test_rows
    if rows:
        changes = _changes(rows["answered"], rows["retrained"])
        lines.append(f"The {rows['rows']:,} new test rows, production's answers and the retrained model: {changes}")
    return lines


def account(new: NewRows) -> list[str]:
    """Return how many labelled rows are new, known, repeated and rejected, in lines."""
    known = f"; {new.known:,} more are in the dataset already" if new.known else ""
    lines = [f"{len(new.records):,} rows are new{known}"]
    if new.repeated:
        lines.append(f"{new.repeated:,} rows were answered again later; the last answer counts")
    if new.rejected:
        lines.append(f"{new.rejected.total():,} break the contract and are left out:")
        lines += [f"  {count:,}: {reason}" for reason, count in new.rejected.most_common(10)]
        lines += ["  and others"] if len(new.rejected) > 10 else []
    return lines


def _changes(before: dict[str, float], after: dict[str, float]) -> str:
    return ", ".join(f"{name} {before.get(name, float('nan')):.4f} → {value:.4f}" for name, value in after.items())


def _metrics(path: Path) -> dict[str, float]:
    return json.loads(path.read_text()) if path.exists() else {}
