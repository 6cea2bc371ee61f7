"""The pipeline, run again in a clean checkout of the last commit: the gate recomputes results, it does not believe them."""

import re
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from ruamel.yaml import YAML

from lifecycle.core import config, package_versions
from lifecycle.core.dvc import dvc, failure_line
from lifecycle.core.dvc_files import Stage, Stages, pipeline_of, stages_here
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml
from lifecycle.core.git import commit_of, git, text_at
from lifecycle.core.home import SRC
from lifecycle.core.worktree import GATE, worktree
from lifecycle.gate.committed_output import stages_of_pipeline
from lifecycle.gate.output_differences import compare_outputs
from lifecycle.gate.staleness import altered, stale_inputs

SILENT_SECONDS, LONGEST_SECONDS = 2, 3600  # of waiting for another gate


@dataclass
class Recomputed:
    """How the results of the rerun differ from those committed."""

    stale: list[str] = field(default_factory=list)
    """Inputs that changed since dvc.lock was written, as `path` or `params.yaml: name`."""
    altered: list[str] = field(default_factory=list)
    """Committed results that the pipeline does not reproduce, each as a sentence."""
    rounded: list[str] = field(default_factory=list)
    """Outputs that this machine computes with other bytes but the same numbers, each as a sentence."""
    failure: str = ""
    """The line in which the pipeline failed, if it did."""
    environment: list[str] = field(default_factory=list)
    """Differences between what is installed, environment.yaml and the lock, because of which nothing was run."""
    undeclared: list[str] = field(default_factory=list)
    """Files of the user's package that no stage depends on: a change of one would go unnoticed."""


@contextmanager
def clean_checkout(commit: str, data: bool = True) -> Iterator[Path]:
    """Check a commit out, with what DVC's cache has of its data, and remove it in the end. One gate at a time."""
    GATE.parent.mkdir(parents=True, exist_ok=True)
    with _alone(), worktree(commit, GATE) as folder:
        if data:
            dvc("checkout", "--quiet", "--allow-missing", folder=folder)
        yield folder


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other gate runs in this repo. Raises ConfigError if that takes an hour."""
    lock = FileLock(f"{GATE}.lock")
    try:
        lock.acquire(timeout=SILENT_SECONDS)
    except Timeout:
        print("gate: another gate is running in this repo; this one waits for it", file=sys.stderr, flush=True)
        try:
            lock.acquire(timeout=LONGEST_SECONDS)
        except Timeout:
            raise ConfigError(
                f"{lock.lock_file}: another gate has been running for an hour: see whether it hangs, and stop it"
            ) from None
    try:
        yield
    finally:
        lock.release()


def complete(folder: Path, commit: str) -> bool:
    """Whether a checkout has every output of its pipeline: dvc.lock names them, and DVC had them."""
    pipeline = pipeline_of(text_at(commit, Path("dvc.yaml")), "dvc.yaml of the branch")
    stages = stages_of_pipeline(commit)
    outputs = [out["path"] for stage in stages.values() for out in stage.get("outs", [])]
    return _producing(pipeline).keys() <= stages.keys() and all((folder / path).exists() for path in outputs)


def recompute(folder: Path, believed: Collection[str], tolerance: float) -> Recomputed:
    """Run the pipeline in a clean checkout as if it had never run, and report how the results differ from those committed.

    Stages that are believed run only if an output that they depend on differs from the committed one. So does one without
    outputs, such as `track`, never. Raises ConfigError if the gate cannot run a stage again.
    """
    rerun = Recomputed(environment=package_versions.differences(folder))
    if rerun.environment:
        rerun.failure = rerun.environment[0]
        return rerun
    pipeline = pipeline_of(text_at(commit_of("HEAD", folder=folder), Path("dvc.yaml")), "dvc.yaml of the branch")
    producing = _producing(pipeline)
    stages = [name for name in producing if name not in believed]
    commit = commit_of("HEAD", folder=folder)
    before = stages_of_pipeline(commit)
    for name in stages:
        if unsupported := pipeline[name].keys() & {"frozen", "foreach", "matrix"}:
            key = unsupported.pop()
            raise ConfigError(f"dvc.yaml: stage {name} has `{key}`, so the gate cannot recompute it: remove `{key}`")
        _forget(folder, before.get(name, {}))
    if before:
        others = {name: entry for name, entry in before.items() if name not in stages}
        # In block style, which DVC keeps: in JSON's, it would write an address such as sqlite:///x so that it cannot read it again.
        YAML().dump({"schema": "2.0", "stages": others}, folder / config.LOCK)
    done = dvc("repro", "--no-run-cache", *producing, folder=folder)
    after = stages_here(folder / config.LOCK) if (folder / config.LOCK).exists() else {}
    ran = {name.partition("@")[0] for name in re.findall(r"^Running stage '(.+)':$", done.stdout, flags=re.MULTILINE)}
    idle = [name for name in stages if name not in ran]
    if done.returncode:
        rerun.failure = failure_line(done)
    elif idle:
        rerun.failure = f"stage {idle[0]} did not run again: is it frozen in dvc.yaml?"
    else:
        rerun.undeclared = _undeclared(folder, commit, after)
    rerun.stale = stale_inputs(before, after) if before else []
    if not rerun.stale and not rerun.failure:
        git("add", "--all", folder=folder)  # DVC stages some of what it writes, and not all
        rerun.altered = altered(folder, commit, tolerance)
        differences = compare_outputs(folder, commit, before, after, tolerance)
        rerun.altered += differences.problems
        rerun.rounded = differences.rounded
    return rerun


def _producing(pipeline: dict[str, dict[Any, Any]]) -> dict[str, None]:
    """The stages that write something, in their order; `track` is none of them."""
    return {name: None for name, stage in pipeline.items() if stage.keys() & {"outs", "metrics", "plots"}}


def _undeclared(folder: Path, commit: str, stages: Stages) -> list[str]:
    """The files of the user's package that no stage depends on but `track`, which depends on all of them."""
    package = f"{SRC}/{read_yaml(folder / config.PARAMS).get('package')}"
    declared = {dep["path"] for name, stage in stages.items() if name != "track" for dep in stage.get("deps", [])}
    names = git("ls-tree", "-r", "-z", "--name-only", commit, "--", package, folder=folder).split("\0")[:-1]
    return [name for name in names if not declared & {name, *map(str, Path(name).parents)}]


def _forget(folder: Path, stage: Stage) -> None:
    """Remove the outputs of a stage: if they come back, the stage has written them again."""
    for out in stage.get("outs", []):
        path = folder / out["path"]
        if not path.parent.resolve().is_relative_to(folder.resolve()) or path.resolve() == (folder / ".git").resolve():
            raise ConfigError(f"{config.LOCK}: {out['path']} lies outside the repo")
        if path.is_dir() and not path.is_symlink():  # DVC may link to its cache
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
