"""What is stale: inputs that changed since the last `dvc repro`, and committed results that the pipeline does not reproduce."""

import json
import re
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.dvc import dvc
from lifecycle.core.dvc_files import Stages
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import changed_files, commit_of, text_at
from lifecycle.core.home import NAME, ROOT
from lifecycle.core.model_folders import names_at, owner_of

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w)")


def stale_inputs(before: Stages, after: Stages) -> list[str]:
    """Return the inputs, outputs of stages left out, in which the stages of two versions of dvc.lock differ.

    Each as `path`, `params.yaml: name` or `dvc.yaml: stage`.
    """
    outputs = {out["path"] for stage in after.values() for out in stage.get("outs", [])}
    stale: dict[str, None] = {}
    for name, stage in after.items():
        old: Any = before.get(name, {})
        old_hashes = {dep["path"]: dep.get("md5") for dep in old.get("deps", [])}
        for dep in stage.get("deps", []):
            if old_hashes.get(dep["path"]) != dep.get("md5") and dep["path"] not in outputs:
                stale[dep["path"]] = None
        for path, values in stage.get("params", {}).items():
            old_params, params = _flat(old.get("params", {}).get(path, {})), _flat(values)
            stale |= {f"{path}: {key}": None for key in old_params | params if old_params.get(key) != params.get(key)}
        if stage.get("cmd") != old.get("cmd"):
            stale[f"dvc.yaml: {name}"] = None
    return list(stale)


def altered(folder: Path, commit: str, tolerance: float) -> list[str]:
    """Return the files in a folder that git tracks and that differ from the commit, each as a sentence.

    Numbers may differ by the tolerance: another machine may round differently. Of dvc.lock, which identifies results by
    their hashes, only the presence is checked.
    """
    sentences = []
    for name in changed_files(commit, folder=folder):
        committed, path = text_at(commit, Path(name)), folder / name
        if committed is None:
            sentences.append(f"{name} is made by the pipeline and was not committed")
        elif not path.is_file():
            sentences.append(f"{name} is committed but the pipeline does not make it")
        elif name != str(config.LOCK):
            how = difference(committed, path.read_bytes().decode("utf-8", errors="replace"), tolerance)
            sentences += [f"{name} {how}"] if how else []
    return sentences


def uncommitted(commit: str, tolerance: float) -> list[str]:
    """Return the files of the working tree that differ from the commit: those in git, and data with a .dvc file; of another model none.

    None do if HEAD has moved to another commit since: then the working tree is that one's. Raises ConfigError if DVC cannot
    tell.
    """
    done = dvc("data", "status", "--json")
    if done.returncode:
        raise ConfigError(f"dvc data status: {done.stderr.strip()[-300:]}")
    modified = json.loads(done.stdout).get("uncommitted", {}).get("modified", [])
    data = [name for name in modified if Path(f"{name}.dvc").exists()]  # results are recomputed in any case
    if commit_of("HEAD") != commit:
        return []
    names = [sentence.partition(" ")[0] for sentence in altered(Path(), commit, tolerance)] + data
    if NAME:  # what is shared lies outside its folder
        shared = [name for name in changed_files(commit, folder=ROOT) if owner_of(name, names_at(commit, ROOT)) is None]
        return names + shared
    return [name for name in names if owner_of(name, names_at(commit)) in (None, NAME)]


def difference(committed: str, recomputed: str, tolerance: float) -> str:
    """Return the first difference between two texts whose numbers may differ by the tolerance, or nothing."""
    for old, new in zip(NUMBER.findall(committed), NUMBER.findall(recomputed), strict=False):
        if abs(float(old) - float(new)) > tolerance:
            return f"says {old} where recomputing gives {new}"
    return "" if NUMBER.sub("0", committed) == NUMBER.sub("0", recomputed) else "is not what recomputing gives"


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Nested parameters by dotted name."""
    if not isinstance(values, dict):
        return {prefix: values}
    return {
        name: leaf
        for key, nested in values.items()
        for name, leaf in _flat(nested, f"{prefix}.{key}" if prefix else str(key)).items()
    }
