"""What a commit says of itself: its dataset, slices and lock, and which of its files have a say in the verdict."""

import json
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml
from lifecycle.core.git import changed_files, git, text_at
from lifecycle.core.tracking import lock_hash
from lifecycle.gate.rules import Slices

# Where a change is what a pull request is for. A change anywhere else may change what the figures mean or how they are
# judged, and the report names it.
ORDINARY = (
    "docs",
    "tests",
    "metrics",
    "plots",
    "reports",
    "data/**/*.dvc",
    ".dvc/embedded",
    "params.yaml",
    "dvc.lock",
    "*.md",
    "LICENSE",
)
ORDINARY_CODE = ("features.py", "stages/train.py")


def refuse_links(commit: str) -> None:
    """Raise ConfigError if what is judged is a link: git shows where it points, and neither DVC nor we would follow."""
    judged = [
        config.GATES,
        config.LOCK,
        config.PARAMS,
        Path("dvc.yaml"),
        config.METRICS,
        config.VALIDATION_REPORT.parent,
    ]
    for line in git("ls-tree", "-r", commit, "--", *map(str, judged)).splitlines():
        if line.startswith("120000"):
            raise ConfigError(f"{line.partition(chr(9))[2]} is a link in the commit: put the file itself there")


def changed_judges(base: str) -> list[str]:
    """The files with a say in the verdict that the branch has changed, those with the most say first."""
    package = Path("src", __package__.partition(".")[0])
    ordinary = [*ORDINARY, *(str(package / name) for name in ORDINARY_CODE)]
    changed = changed_files(f"{base}...HEAD", "--", ".", *(f":(exclude,glob){name}" for name in ordinary))
    return sorted(changed, key=lambda name: (not name.endswith((".py", ".yaml", ".yml")), name))


def dataset(validation: str | None, commit: str) -> dict[str, Any]:
    """Rows, columns, checks and DVC's hash of the dataset; None where the commit does not say."""
    report = _mapping(validation)
    lock = parse_yaml(text_at(commit, config.LOCK) or "{}", str(config.LOCK))
    params = parse_yaml(text_at(commit, config.PARAMS) or "{}", str(config.PARAMS))
    raw = (params.get("data") or {}).get("raw")
    deps = [dep for stage in lock.get("stages", {}).values() for dep in stage.get("deps", [])]
    pointer = parse_yaml(text_at(commit, Path(f"{raw}.dvc")) or "{}", f"{raw}.dvc")
    hashes = [out.get("md5") for out in pointer.get("outs", [])] + [
        dep.get("md5") for dep in deps if dep["path"] == raw
    ]
    return {
        "rows": report.get("rows"),
        "columns": report.get("columns"),
        "checks": len(report.get("checks", [])),
        "md5": next(iter(hashes), None),
    }


def slices_of(text: str | None) -> Slices:
    content = _mapping(text)
    sound = all(
        isinstance(part, dict) for values in content.values() if isinstance(values, dict) for part in values.values()
    )
    return content if sound and all(isinstance(values, dict) for values in content.values()) else {}


def lock_hash_of(commit: str) -> str | None:
    text = text_at(commit, config.LOCK)
    return lock_hash(parse_yaml(text, str(config.LOCK))) if text else None


def _mapping(text: str | None) -> dict[str, Any]:
    """What a JSON text holds if that is a mapping."""
    try:
        content = json.loads(text or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
