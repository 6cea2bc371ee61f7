"""A clean checkout of the last commit in which the pipeline runs again, so that results are seen and not believed.

It lies in .dvc/tmp/gate, shares DVC's cache with the repo, and leaves the working tree alone.
"""

import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from << cookiecutter.package >> import config
from << cookiecutter.package >>.errors import ConfigError
from << cookiecutter.package >>.files import parse_yaml, read_yaml, write_json, write_text

PLACE = Path(".dvc/tmp/gate")
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w)")


@dataclass
class Recomputed:
    """What running the pipeline again has shown."""

    stale: list[str] = field(default_factory=list)
    """Inputs that dvc.lock does not know in this version, as `path` or `params.yaml: name`."""
    altered: list[str] = field(default_factory=list)
    """Committed results that the pipeline does not make, each as a sentence."""
    failure: str = ""
    """The line in which the pipeline failed, if it did."""


def git(*arguments: str, folder: Path = Path()) -> str:
    """Run git in a folder and return what it prints. Raises ConfigError with what it complains of."""
    done = subprocess.run(["git", *arguments], cwd=folder, env=_environment(), capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"git {' '.join(arguments[:2])}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout


def commit_of(revision: str, folder: Path = Path()) -> str:
    """Return the commit that a revision names. Raises ConfigError if it names none."""
    try:
        return git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}", folder=folder
        ).strip()
    except ConfigError:
        raise ConfigError(
            f"--base {revision}: git knows no such revision here; fetch it (`git fetch origin`) or name another"
        ) from None


def text_at(commit: str, path: Path) -> str | None:
    """Return a file's text at a commit, or None if that commit does not have it."""
    done = subprocess.run(["git", "show", f"{commit}:./{path}"], env=_environment(), capture_output=True)
    return None if done.returncode else done.stdout.decode("utf-8", errors="replace")


def dvc(*arguments: str, folder: Path = Path()) -> subprocess.CompletedProcess[str]:
    """Run DVC of this environment in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, env=_environment(), capture_output=True, text=True
    )


@functools.cache
def cache_folder() -> Path:
    """Return the folder in which DVC keeps the repo's data and models."""
    return Path(dvc("cache", "dir").stdout.strip())


@contextmanager
def clean_checkout(commit: str) -> Iterator[Path]:
    """Check a commit out, with what DVC's cache holds of it, and remove it in the end."""
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{PLACE}.lock", timeout=3600):
        _remove()  # what a killed gate may have left
        try:
            git("worktree", "add", "--quiet", "--detach", str(PLACE), commit)
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
    commit = commit_of("HEAD", folder)
    lock = parse_yaml(text_at(commit, config.LOCK) or "{}", str(config.LOCK))
    before = lock.get("stages", {})
    if before:
        believed = {name: entry for name, entry in before.items() if name not in stages}
        write_json(lock | {"stages": believed}, folder / config.LOCK)  # JSON is YAML
    producing = [name for name, stage in pipeline.items() if stage.keys() & {"outs", "metrics", "plots"}]
    done = dvc("repro", *producing, folder=folder)
    found.failure = _complaint(done) if done.returncode else ""
    after = read_yaml(folder / config.LOCK).get("stages", {}) if (folder / config.LOCK).exists() else {}
    found.stale = _stale_inputs(before, after) if before else []
    if not found.stale and not found.failure:
        found.altered = _altered_results(folder, commit, tolerance)
    return found


def difference(committed: str, recomputed: str, tolerance: float) -> str:
    """Return the first difference between two texts whose numbers may differ by the tolerance, or nothing."""
    before, after = NUMBER.findall(committed), NUMBER.findall(recomputed)
    for one, other in zip(before, after, strict=False):
        if abs(float(one) - float(other)) > tolerance:
            return f"says {one} where recomputing gives {other}"
    return "" if NUMBER.sub("0", committed) == NUMBER.sub("0", recomputed) else "is not what recomputing gives"


def _altered_results(folder: Path, commit: str, tolerance: float) -> list[str]:
    """The files that the pipeline has written otherwise than they were committed; dvc.lock tells it by hashes alone."""
    altered = []
    git("add", "--all", folder=folder)  # DVC stages some of what it writes, and not all
    for name in git("diff", "--cached", "--name-only", commit, folder=folder).splitlines():
        committed = text_at(commit, Path(name))
        if committed is None:
            altered.append(f"{name} is made by the pipeline and was not committed")
        elif not (folder / name).exists():
            altered.append(f"{name} is committed and not made by the pipeline")
        elif name != str(config.LOCK):
            how = difference(committed, (folder / name).read_bytes().decode("utf-8", errors="replace"), tolerance)
            altered += [f"{name} {how}"] if how else []
    return altered


def _stale_inputs(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The inputs in which two versions of dvc.lock differ and that are no stage's output."""
    made = {out["path"] for stage in after.values() for out in stage.get("outs", [])}
    stale: dict[str, None] = {}
    for name, stage in after.items():
        old = before.get(name, {})
        known = {dep["path"]: dep.get("md5") for dep in old.get("deps", [])}
        for dep in stage.get("deps", []):
            if known.get(dep["path"]) != dep.get("md5") and dep["path"] not in made:
                stale[dep["path"]] = None
        for path, values in stage.get("params", {}).items():
            earlier, now = _flat(old.get("params", {}).get(path, {})), _flat(values)
            stale |= {f"{path}: {key}": None for key in earlier | now if earlier.get(key) != now.get(key)}
        if stage.get("cmd") != old.get("cmd"):
            stale[f"dvc.yaml: {name}"] = None
    return list(stale)


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {prefix: values}
    return {
        name: leaf
        for key, part in values.items()
        for name, leaf in _flat(part, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The line of a failed `dvc repro` that says why."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    ours = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    tracebacks = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (ours or tracebacks or [line.removeprefix("ERROR: ") for line in lines] or ["`dvc repro` failed"])[-1]


def _remove() -> None:
    subprocess.run(
        ["git", "worktree", "remove", "--force", "--force", str(PLACE)], env=_environment(), capture_output=True
    )
    subprocess.run(["git", "worktree", "prune"], env=_environment(), capture_output=True)


def _environment() -> dict[str, str]:
    """The environment for git and DVC: without what a git hook or a DVC stage sets for its own repo."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_DIR", "GIT_INDEX", "GIT_WORK", "DVC_ROOT"))
    }
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
