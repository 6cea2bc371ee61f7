"""A worktree in which retraining runs, so that a person's checkout is never touched and a killed run leaves nothing undone.

It lies in .dvc/tmp/retrain, shares DVC's cache and remotes with the repo, and has no branch: one is made in the end, at once.
Each run has a folder of its own: what a killed one has started may go on for a while, and finds its folder gone.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configobj import ConfigObj
from filelock import FileLock, Timeout

from lifecycle.core import config, tracking
from lifecycle.core.errors import RefusedError
from lifecycle.gate import recompute as checkout
from lifecycle.core.dvc import cache_folder
from lifecycle.core.git import environment, git

PLACE = Path(".dvc/tmp/retrain")
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")  # a person's hooks speak of the person's checkout


@contextmanager
def alone() -> Iterator[None]:
    """Keep a second retraining out. Raises RefusedError if this is the second."""
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{PLACE}.lock", timeout=0):
            yield
    except Timeout:
        raise RefusedError("another retraining is under way here: wait for it to end") from None


@contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """Check a commit out, without its data, and remove it in the end."""
    remove()  # what killed runs may have left
    folder = PLACE / str(os.getpid())
    try:
        git(*NO_HOOKS, "worktree", "add", "--force", "--quiet", "--detach", str(folder), commit)
        _configure(folder)
        yield folder
    finally:
        remove()


def remove() -> None:
    """Remove our worktrees, and those of gates that were killed in them."""
    for folder in PLACE.glob("*"):
        for place in (folder / checkout.PLACE, folder):
            command = ["git", "worktree", "remove", "--force", "--force", str(place)]
            subprocess.run(command, env=environment(), capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def inside(folder: Path) -> dict[str, str]:
    """The environment of the pipeline and the gate in the worktree: its code, and the repo's tracking store and servers."""
    params = config.load(folder / config.PARAMS)
    return environment() | {"PYTHONPATH": "src", "MLFLOW_TRACKING_URI": tracking.tracking_uri(params)}


def remotes(root: Path) -> dict[str, Path]:
    """Return DVC's remotes that are folders, by name; an address that is relative is so to .dvc."""
    shared, own = (ConfigObj(str(root / ".dvc" / name)) for name in ("config", "config.local"))
    urls = {
        name.removeprefix('remote "').removesuffix('"'): {**shared.get(name, {}), **own.get(name, {})}.get("url", "")
        for name in {**shared, **own}
        if name.startswith('remote "')
    }
    return {
        name: Path(os.path.normpath((root / ".dvc").resolve() / url)) for name, url in urls.items() if "://" not in url
    }


def _configure(folder: Path) -> None:
    """Give the worktree the repo's cache, what the person has set for DVC here, and remotes in the same places.

    A worktree lies elsewhere than the repo. A remote inside of the repo is a part of the commit, and moves with it.
    """
    own = ConfigObj(".dvc/config.local")
    own.filename = str(folder / ".dvc/config.local")
    own.setdefault("cache", {})["dir"] = str(cache_folder())
    for name, place in remotes(Path()).items():
        if not place.is_relative_to(Path().resolve()):
            own.setdefault(f'remote "{name}"', {})["url"] = str(place)
    own.write()
