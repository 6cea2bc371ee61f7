"""The models of a repo: the one at the top, which has no name, and those in models/NAME."""

import re
from pathlib import Path, PurePosixPath

from lifecycle.core.errors import ConfigError, did_you_mean
from lifecycle.core.git import git
from lifecycle.core.home import MODELS, PARAMS

TOP = ""
"""The name of the model at the top."""
NAME = r"[a-z][a-z0-9-]*"
"""A name is a folder, and part of the name of the model in MLflow."""
OWN_FILES = {
    *("params.yaml", "contract.yaml", "gates.yaml", "environment.yaml", "dvc.yaml", "dvc.lock"),
    *("serving.yaml", "batch.yaml", "monitoring.yaml", "retraining.yaml", "search.yaml"),
}
OWN_FOLDERS = {"data", "metrics", "plots", "reports", "models"}
"""What each model has for itself, in its folder; anything else is shared."""


def names_here(root: Path = Path()) -> list[str]:
    """Return the names of the further models in the working tree."""
    return sorted(path.parent.name for path in (root / MODELS).glob(f"*/{PARAMS}") if is_name(path.parent.name))


def names_at(commit: str, folder: Path = Path()) -> list[str]:
    """Return the names of the further models of a commit; `folder` is the top of the project."""
    paths = git("ls-tree", "-r", "-z", "--name-only", commit, "--", f"{MODELS}/", folder=folder).split("\0")
    parts = [PurePosixPath(path).parts for path in paths if path]
    return sorted({part[1] for part in parts if len(part) == 3 and part[2] == PARAMS and is_name(part[1])})


def is_name(text: str) -> bool:
    """Whether a text can be the name of a model."""
    return re.fullmatch(NAME, text) is not None


def folder_of(name: str) -> Path:
    """Return the folder of a model, from the top of the project."""
    return MODELS / name if name else Path()


def title(name: str) -> str:
    """Return how a model is called in a report: by its folder."""
    return str(folder_of(name)) if name else "top"


def owner_of(path: str, names: list[str]) -> str | None:
    """Return the name of the model whose own a file is, or None if it is shared.

    Args:
        path: from the top of the project.
        names: of the further models.
    """
    parts = PurePosixPath(path).parts
    if parts[0] == MODELS.name and len(parts) > 2 and parts[1] in names:
        return parts[1]
    return TOP if parts[0] in OWN_FOLDERS or path in OWN_FILES else None


def require(name: str, root: Path = Path()) -> Path:
    """Return the folder of a model in the working tree. Raises ConfigError if there is none of this name."""
    names = names_here(root)
    if name not in names:
        there = f"there are: {', '.join(names)}" if names else "there is none but the one at the top: `model add NAME`"
        raise ConfigError(f"model {name}: no such model{did_you_mean(name, names)}; {there}")
    return root / folder_of(name)
