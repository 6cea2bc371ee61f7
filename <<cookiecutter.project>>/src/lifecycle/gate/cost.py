"""What the models of both sides cost, measured in this run of the gate: no figure of another machine or another day counts.

The size of the model file is always reported. Time and memory are measured if the policy's `cost` limits them or says `report`,
for each side in a process of its own that runs this side's code; the base only if the branch has another model.
"""

import subprocess
import sys
from pathlib import Path

from lifecycle.core import config, version_code
from lifecycle.core.dvc import dvc, failure_line
from lifecycle.core.worktree import BASE, inside, worktree
from lifecycle.gate.applied_policy import AppliedPolicy
from lifecycle.gate.check_result import finite_or_none
from lifecycle.gate.commit_metadata import json_mapping, lock_hash_of
from lifecycle.gate.committed_output import output_at, stages_of_pipeline
from lifecycle.gate.cost_limits import OF_TRAINING
from lifecycle.gate.cost_rules import Costs

TEST, TRAIN = (config.FEATURES / f"{side}.parquet" for side in ("test", "train"))


def costs_of(applied: AppliedPolicy, base: str, head: str, folder: Path, measures: bool) -> Costs:
    """Return what both sides cost.

    Args:
        applied: the policy, and whether there is a base to compare with.
        base: its commit.
        head: the commit that is judged.
        folder: a checkout of it, with its results.
        measures: whether anything is measured but sizes.
    """
    compared = not applied.exchanged and not applied.of_branch
    branch = _size(folder / config.MODEL)
    of_base = _size(output_at(base, config.MODEL)) if compared else {}
    missing = [] if of_base else ["neither DVC's cache nor its remote has its model"]
    limits, why_not_branch = applied.policy.cost, ""
    measured = limits.measured() if limits and measures else set[str]()
    if measured:
        fits = bool(OF_TRAINING & measured) and "train" not in applied.policy.not_recomputed
        figures, why_not_branch = _measured(folder, fits)
        branch |= figures
        if compared and _same_model(base, head):
            of_base = branch
        elif compared:
            figures, why_not_base = _measured_base(base, fits)
            of_base |= figures
            missing += [why_not_base] if why_not_base else []
    return Costs(of_base if compared else None, branch, "; ".join(missing), why_not_branch)


def _size(model: Path | None) -> dict[str, float]:
    return {"model_size": model.stat().st_size} if model and model.exists() else {}


def _same_model(base: str, head: str) -> bool:
    """Whether both sides have the same results and predict with the same code."""
    lock, code = lock_hash_of(head), version_code.hash_at(head)
    return None not in (lock, code) and (lock, code) == (lock_hash_of(base), version_code.hash_at(base))


def _measured_base(base: str, fits: bool) -> tuple[dict[str, float], str]:
    """The figures of the base, and why one is missing; what its pipeline has to compute for them is computed."""
    needed = [TEST, TRAIN if fits else config.MODEL]
    with worktree(base, BASE) as folder:
        dvc("checkout", "--quiet", "--allow-missing", *map(str, needed), folder=folder)
        if not all((folder / path).exists() for path in needed):
            makers = [
                name
                for name, stage in stages_of_pipeline(base).items()
                if {str(path) for path in needed} & {out["path"] for out in stage.get("outs", [])}
            ]
            done = dvc("repro", "--pull", "--no-run-cache", *makers, folder=folder)
            if done.returncode:
                return {}, failure_line(done)
        return _measured(folder, fits)


def _measured(folder: Path, fits: bool) -> tuple[dict[str, float], str]:
    """The figures of the model in a checkout, and why one is missing."""
    command = [sys.executable, "-P", "-m", "lifecycle.gate.cost_measurement", *(["fit"] if fits else [])]
    done = subprocess.run(command, cwd=folder, env=inside(folder), capture_output=True, text=True)
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    if done.returncode:
        return {}, lines[-1] if lines else f"measuring ended with exit code {done.returncode}"
    figures = read_figures(lines[-1] if lines else "")
    complete = figures.keys() >= ({"prediction_ms_per_row"} | (OF_TRAINING if fits else set()))
    return figures, "" if complete else "the process that measures printed no such figure"


def read_figures(line: str) -> dict[str, float]:
    """Return those figures in a line of JSON that are positive numbers."""
    figures = {name: finite_or_none(value) for name, value in json_mapping(line).items()}
    return {name: value for name, value in figures.items() if value is not None and value > 0}
