"""A clean checkout of the last commit in which the pipeline runs again, so that results are seen and not believed.

It lies in .dvc/tmp/gate, shares DVC's cache with the repo, and leaves the working tree alone.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml, read_yaml, write_json, write_text
from lifecycle.gate.staleness import altered, stale_inputs
from lifecycle.core.dvc import cache_folder, dvc
from lifecycle.core.git import commit_of, environment, git, text_at

PLACE = Path(".dvc/tmp/gate")


@dataclass
class Recomputed:
    """What running the pipeline again has shown."""

    stale: list[str] = field(default_factory=list)
    """Inputs that dvc.lock does not know in this version, as `path` or `params.yaml: name`."""
    altered: list[str] = field(default_factory=list)
    """Committed results that the pipeline does not make, each as a sentence."""
    failure: str = ""
    """The line in which the pipeline failed, if it did."""


@contextmanager
def clean_checkout(commit: str) -> Iterator[Path]:
    """Check a commit out, with what DVC's cache holds of it, and remove it in the end."""
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{PLACE}.lock", timeout=3600):
        _remove()  # what a killed gate may have left
        try:
            git(
                "-c",
                "core.hooksPath=/dev/null",
                "worktree",
                "add",
                "--force",
                "--quiet",
                "--detach",
                str(PLACE),
                commit,
            )
            write_text(f'[cache]\n    dir = "{cache_folder()}"\n', PLACE / ".dvc/config.local")
            dvc("checkout", "--quiet", "--allow-missing", folder=PLACE)
            yield PLACE
        finally:
            _remove()


def recompute(folder: Path, stages: list[str], tolerance: float) -> Recomputed:
    """Run the pipeline in a clean checkout as if the named stages had never run, and say how it then differs.

    What follows from them runs as well where they come out otherwise than they were committed. Raises ConfigError if
    dvc.yaml does not have one of the stages.
    """
    found = Recomputed()
    pipeline = read_yaml(folder / "dvc.yaml").get("stages", {})
    if unknown := [name for name in stages if name not in pipeline]:
        raise ConfigError(f"{config.GATES}: recompute names stage {unknown[0]!r}, which dvc.yaml does not have")
    commit = commit_of("HEAD", folder=folder)
    lock = parse_yaml(text_at(commit, config.LOCK) or "{}", str(config.LOCK))
    before = lock.get("stages", {})
    for name in stages:
        if odd := pipeline[name].keys() & {"frozen", "foreach", "matrix"}:
            raise ConfigError(
                f"dvc.yaml: stage {name} is {odd.pop()}, so the gate cannot run it again: {config.GATES} names it"
            )
        _forget(folder, before.get(name, {}))
    if before:
        believed = {name: entry for name, entry in before.items() if name not in stages}
        write_json(lock | {"stages": believed}, folder / config.LOCK)  # JSON is YAML
    producing = [name for name, stage in pipeline.items() if stage.keys() & {"outs", "metrics", "plots"}]
    done = dvc("repro", *dict.fromkeys([*producing, *stages]), folder=folder)
    after = read_yaml(folder / config.LOCK).get("stages", {}) if (folder / config.LOCK).exists() else {}
    ran = {name.partition("@")[0] for name in re.findall(r"^Running stage '(.+)':$", done.stdout, flags=re.MULTILINE)}
    idle = [name for name in stages if name not in ran]
    if done.returncode:
        found.failure = complaint(done)
    elif idle:
        found.failure = f"stage {idle[0]} did not run again: is it frozen in dvc.yaml?"
    found.stale = stale_inputs(before, after) if before else []
    if not found.stale and not found.failure:
        git("add", "--all", folder=folder)  # DVC stages some of what it writes, and not all
        found.altered = altered(folder, commit, tolerance)
    return found


def _forget(folder: Path, stage: dict[str, Any]) -> None:
    """Remove what a stage has written: if it comes back, the stage has written it again."""
    for out in stage.get("outs", []):
        path = folder / out["path"]
        if not path.parent.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(f"{config.LOCK}: {out['path']} lies outside of the repo")
        if path.is_dir() and not path.is_symlink():  # DVC may link to its cache
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The line of a failed `dvc repro` that says why."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    ours = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    tracebacks = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (ours or tracebacks or [line.removeprefix("ERROR: ") for line in lines] or ["`dvc repro` failed"])[-1]


def _remove() -> None:
    """Remove our checkout, and none of the person's own."""
    command = ["git", "worktree", "remove", "--force", "--force", str(PLACE)]
    subprocess.run(command, env=environment(), capture_output=True)
    shutil.rmtree(PLACE, ignore_errors=True)
