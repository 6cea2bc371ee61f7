"""What DVC says has changed between two commits: metrics and parameters."""

import json
import math
import subprocess
from pathlib import Path
from typing import Any

from lifecycle.core.dvc import dvc
from lifecycle.core.errors import ConfigError
from lifecycle.core.home import MODELS
from lifecycle.gate.rules import Figures


def metrics_diff(revision: str, folder: Path) -> Figures:
    """Return the metrics of a revision, and of the branch as they were recomputed."""
    figures: Figures = _own(_json(dvc("metrics", "diff", "--all", "--json", revision, folder=folder)))
    return figures


def of_branch_alone(figures: Figures) -> Figures:
    """Return the metrics of the branch, without the base's."""
    return {
        file: {name: {"new": figure["new"]} for name, figure in of_file.items() if "new" in figure}
        for file, of_file in figures.items()
    }


def figures_of_base(figures: Figures) -> bool:
    """Whether the base has any metric."""
    return any(
        "old" in figure and figure["old"] is not None for of_file in figures.values() for figure in of_file.values()
    )


def params_diff(base: str, head: str) -> dict[str, Any]:
    """Return the parameters that changed: file → name → `old` and `new`."""
    diff = _own(_json(dvc("params", "diff", "--json", base, head)))
    for names in diff.values():  # infinity and NaN are valid parameters, but not valid JSON
        for change in names.values():
            for side, value in change.items():
                if isinstance(value, float) and not math.isfinite(value):
                    change[side] = str(value)
    return diff


def _own(content: dict[str, Any]) -> dict[str, Any]:
    """Those of DVC's files that are of this process's model: it names the files of all, from the working directory."""
    return {
        name: of_file
        for name, of_file in content.items()
        if not name.startswith("../") and not (name.startswith(f"{MODELS}/") and name.count("/") > 1)
    }


def _json(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON that a DVC command has printed."""
    if done.returncode:
        raise ConfigError(f"{' '.join(done.args[3:6])}: {done.stderr.strip()[-300:]}")
    content: dict[str, Any] = json.loads(done.stdout or "{}")
    return content
