"""Outputs in dvc.lock: whether those committed are the ones that recomputing gives.

An output may have other bytes if it holds the same numbers: another machine may round differently. Then the file that was
committed is compared with the recomputed one, since it is the file that is served, and that the next branch is compared with.
"""

import hashlib
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.files import read_parquet
from lifecycle.core.git import files_at, git, text_at
from lifecycle.core.worktree import inside
from lifecycle.gate.committed_output import file_of
from lifecycle.gate.table_difference import table_difference

SHORT = 9  # digits of a hash


@dataclass
class OutputDifferences:
    problems: list[str] = field(default_factory=list)
    """Committed outputs that recomputing does not give, each as a sentence."""
    rounded: list[str] = field(default_factory=list)
    """Outputs that have other bytes and the same numbers, each as a sentence."""


def compare_outputs(
    folder: Path, commit: str, before: dict[str, Any], after: dict[str, Any], tolerance: float
) -> OutputDifferences:
    """Compare the outputs that a commit's dvc.lock names with those that were recomputed.

    Args:
        folder: the checkout in which everything was recomputed.
        commit: whose results are judged.
        before: the stages of its dvc.lock that are in its dvc.yaml: what it has of others, DVC does not read.
        after: the stages of dvc.lock after recomputing.
        tolerance: how far a number may be from the recomputed one, in units of its column's standard deviation.
    """
    differences = OutputDifferences()
    committed, recomputed = _hashes(before), _hashes(after)
    in_git = files_at(commit, *committed) if committed else {}
    for path, md5 in committed.items():
        if path in in_git:  # its text is compared with the recomputed one elsewhere
            differences.problems += _hash_problem(path, md5, in_git[path])
            continue
        if recomputed.get(path, md5) == md5 or git("ls-tree", commit, "--", path, folder=folder):
            continue
        problem = _difference(folder, commit, path, md5, tolerance)
        names = f"{config.LOCK} names {path} {md5[:SHORT]}, recomputing gives {recomputed[path][:SHORT]}"
        if problem:
            differences.problems.append(f"{names}: {problem}")
        else:
            differences.rounded.append(
                f"{names}: the same within the tolerance, as on a machine that rounds differently"
            )
    has_lock = text_at(commit, config.LOCK) is not None
    missing = [path for path in recomputed if path not in committed] if before or has_lock else []
    differences.problems += [f"{config.LOCK} does not name {path}, which the pipeline makes" for path in missing]
    kinds, others = _kinds(before), _kinds(after)
    for path in (path for path in recomputed if kinds.get(path, others[path]) != others[path]):
        differences.problems.append(
            f"{config.LOCK} names {path} with a hash of another kind, under which DVC does not find it"
        )
    named = [str(out["path"]) for stage in before.values() for out in stage.get("outs", [])]
    for path in dict.fromkeys(named):
        if named.count(path) > 1:
            differences.problems.append(f"{config.LOCK} names the output {path} more than once")
        elif path not in recomputed:
            differences.problems.append(f"{config.LOCK} names the output {path}, which the pipeline does not make")
    for path, md5 in sorted(_inputs(before)):
        if committed.get(path, md5) != md5:
            differences.problems.append(
                f"{config.LOCK} has two versions of {path}: an output of one stage and an input of another"
            )
    return differences


def _hash_problem(path: str, md5: str, content: bytes) -> list[str]:
    """Why dvc.lock does not fit a file that git has, if so."""
    actual = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if actual == md5:
        return []
    return [f"{config.LOCK} names {path} {md5[:SHORT]}, the commit has {actual[:SHORT]}"]


def _hashes(stages: dict[str, Any]) -> dict[str, str]:
    """Path → MD5 of every output."""
    return {str(out["path"]): str(out.get("md5")) for stage in stages.values() for out in stage.get("outs", [])}


def _kinds(stages: dict[str, Any]) -> dict[str, str]:
    """Path → kind of the hash of every output: DVC looks for one without a kind where version 2 stored it."""
    return {str(out["path"]): str(out.get("hash")) for stage in stages.values() for out in stage.get("outs", [])}


def _inputs(stages: dict[str, Any]) -> set[tuple[str, str]]:
    """Path and MD5 of what the stages that have outputs depend on."""
    entries = [dep for stage in stages.values() if stage.get("outs") for dep in stage.get("deps", [])]
    return {(str(dep["path"]), str(dep.get("md5"))) for dep in entries}


def _difference(folder: Path, commit: str, path: str, md5: str, tolerance: float) -> str:
    """How a committed output differs from the recomputed one by more than rounding, or nothing."""
    file = None if md5.endswith(".dir") else file_of(md5, Path(path), commit)
    if file is None:
        return "the committed one is in neither DVC's cache nor its remote, so the two cannot be compared: `dvc push` it, or commit the recomputed one"
    if path == str(config.MODEL):
        return _model_difference(folder, file, tolerance)
    if path.endswith(".parquet"):
        return table_difference(read_parquet(file), read_parquet(folder / path), tolerance)
    return "their contents differ"


def _model_difference(folder: Path, committed: Path, tolerance: float) -> str:
    """How the predictions of the committed model differ from the recomputed one's; in a process of its own, with the branch's code."""
    command = [sys.executable, "-P", "-m", "lifecycle.gate.model_difference", str(committed.resolve()), str(tolerance)]
    done = subprocess.run(command, cwd=folder, env=inside(folder), capture_output=True, text=True)
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return (
        lines[-1]
        if lines
        else f"comparing their predictions ended with exit code {done.returncode}" * bool(done.returncode)
    )
