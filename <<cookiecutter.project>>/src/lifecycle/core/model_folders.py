"""The models of a repo: the one at the top, which has no name, and those in models/NAME."""

import re
from pathlib import Path, PurePosixPath

from lifecycle.core.errors import ConfigError, did_you_mean
from lifecycle.core.git import git
from lifecycle.core.home import LOCK, MODELS, PARAMS
from lifecycle.core.home import NAME as CHOSEN

TOP = ""
"""The name of the model at the top."""
NAME = r"[a-z][a-z0-9-]*"
"""A name is a folder, and part of the name of the model in MLflow."""
OWN_FOLDERS = {"data", "metrics", "plots", "reports", "models"}
"""Beside its settings, which are YAML, and dvc.lock, what each model has for itself in its folder; anything else is shared."""
SHARED_YAML = {"compose.yaml"}


def names_here(root: Path = Path()) -> list[str]:
    """Return the names of the further models in the working tree."""
    return sorted(path.parent.name for path in (root / MODELS).glob(f"*/{PARAMS}") if is_name(path.parent.name))


def names_at(commit: str, folder: Path = Path()) -> list[str]:
    """Return the names of the further models of a commit; `folder` is the top of the project."""
    paths = git("ls-tree", "-r", "-z", "--name-only", commit, "--", f"{MODELS}/", folder=folder).split("\0")
    folders = [PurePosixPath(path).parent for path in paths if PurePosixPath(path).name == PARAMS]
    return sorted(
        {folder.name for folder in folders if folder.parent == PurePosixPath(MODELS) and is_name(folder.name)}
    )


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
    return TOP if parts[0] in OWN_FOLDERS or is_own_file(path) else None


def is_own_file(path: str) -> bool:
    """Whether a path is a file at the top that a further model has as well: settings, dvc.yaml and dvc.lock."""
    return "/" not in path and (path == LOCK or (path.endswith(".yaml") and path not in SHARED_YAML))


def require(name: str, root: Path = Path()) -> Path:
    """Return the folder of a model in the working tree. Raises ConfigError if there is none of this name."""
    names = names_here(root)
    if name not in names:
        there = f"there are: {', '.join(names)}" if names else "there is none but the one at the top: `model add NAME`"
        raise ConfigError(f"model {name}: no such model{did_you_mean(name, names)}; {there}")
    return root / folder_of(name)


def require_top() -> None:
    """Raise ConfigError in a command about the whole repo if a model was chosen."""
    if CHOSEN:
        raise ConfigError(f"this command is about all models: leave out the choice of {CHOSEN} (--model, MODEL)")
