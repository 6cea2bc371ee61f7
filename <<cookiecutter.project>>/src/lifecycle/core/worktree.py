"""A git worktree of a commit, for work that must not touch the user's checkout: of the whole repository, with the project in it.

It lies in .dvc/tmp of the repo, shares DVC's cache with the repo and is removed in the end. The next run removes what a killed one left.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from configobj import ConfigObj

from lifecycle.core import config, tracking
from lifecycle.core.dvc import cache_folder, remotes
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import NO_HOOKS, environment, git, project_folder
from lifecycle.core.home import ROOT, SRC, TEMPORARY, at_root

GATE, BASE = TEMPORARY / "gate", TEMPORARY / "gate-base"


@contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    """Check a commit out in a folder, without its data, ready for DVC, and remove it in the end. Yields the project's folder.

    Raises ConfigError if the commit does not have the project.
    """
    with checked_out(commit, folder) as project:
        if not (project.is_dir() and (at_root(project) / ".dvc").is_dir()):
            raise ConfigError(f"commit {commit[:9]} does not have this project: `git add --all .` and commit it first")
        _configure(project)
        yield project


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """Check the files of a commit out in a folder, and remove it in the end. Yields the project's folder."""
    remove(folder)
    try:
        git(*NO_HOOKS, "worktree", "add", "--force", "--quiet", "--detach", str(folder), commit)
        yield folder / project_folder()
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a worktree, and the one of a gate that was killed in it."""
    for path in (at_root(folder / project_folder()) / ".dvc/tmp" / GATE.name, folder):
        with suppress(ConfigError):  # it may be gone already
            git("worktree", "remove", "--force", "--force", str(path))
    shutil.rmtree(folder, ignore_errors=True)


def inside(folder: Path) -> dict[str, str]:
    """Return the environment for commands in a worktree: its own code, and the repo's tracking store."""
    params = config.load(folder / config.PARAMS)
    return environment() | {"PYTHONPATH": str(SRC), "MLFLOW_TRACKING_URI": tracking.tracking_uri(params)}


def _configure(folder: Path) -> None:
    """Give the worktree the repo's cache, the settings of the user's .dvc/config.local, and the same remotes.

    A remote inside the repo is part of the commit, so it moves with the worktree; any other stays where it is.
    """
    local = ConfigObj(str(ROOT / ".dvc/config.local"))
    local.filename = str(at_root(folder) / ".dvc/config.local")
    local.setdefault("cache", {})["dir"] = str(cache_folder())
    for name, path in remotes(ROOT).items():
        if not path.is_relative_to(ROOT.resolve()):
            local.setdefault(f'remote "{name}"', {})["url"] = str(path)
    local.write()
