"""What is otherwise than it was committed: inputs that changed since `dvc repro`, results that do not follow from them."""

import json
import re
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.dvc import dvc
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import changed_files, text_at

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w)")


def stale_inputs(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
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


def altered(folder: Path, commit: str, tolerance: float) -> list[str]:
    """Return, each as a sentence, the files of a folder that git tracks and that are not as in the commit.

    Their numbers may differ by the tolerance: another machine may round otherwise. dvc.lock, which knows results by
    their hashes, is looked at only for being there.
    """
    found = []
    for name in changed_files(commit, folder=folder):
        committed, path = text_at(commit, Path(name)), folder / name
        if committed is None:
            found.append(f"{name} is made by the pipeline and was not committed")
        elif not path.exists():
            found.append(f"{name} is committed and not made by the pipeline")
        elif name != str(config.LOCK):
            how = difference(committed, path.read_bytes().decode("utf-8", errors="replace"), tolerance)
            found += [f"{name} {how}"] if how else []
    return found


def uncommitted(commit: str, tolerance: float) -> list[str]:
    """Return the files of the working tree that are not as in the commit: those in git, and data with a .dvc file.

    Raises ConfigError if DVC cannot tell.
    """
    done = dvc("data", "status", "--json")
    if done.returncode:
        raise ConfigError(f"dvc data status: {done.stderr.strip()[-300:]}")
    modified = json.loads(done.stdout).get("uncommitted", {}).get("modified", [])
    data = [name for name in modified if Path(f"{name}.dvc").exists()]  # results are recomputed in any case
    return [sentence.partition(" ")[0] for sentence in altered(Path(), commit, tolerance)] + data


def difference(committed: str, recomputed: str, tolerance: float) -> str:
    """Return the first difference between two texts whose numbers may differ by the tolerance, or nothing."""
    before, after = NUMBER.findall(committed), NUMBER.findall(recomputed)
    for one, other in zip(before, after, strict=False):
        if abs(float(one) - float(other)) > tolerance:
            return f"says {one} where recomputing gives {other}"
    return "" if NUMBER.sub("0", committed) == NUMBER.sub("0", recomputed) else "is not what recomputing gives"


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {prefix: values}
    return {
        name: leaf
        for key, part in values.items()
        for name, leaf in _flat(part, f"{prefix}.{key}" if prefix else str(key)).items()
    }
