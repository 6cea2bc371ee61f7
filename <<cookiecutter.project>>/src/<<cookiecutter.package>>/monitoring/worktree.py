"""A worktree in which retraining runs, so that a person's checkout is never touched and a killed run leaves nothing undone.

It lies in .dvc/tmp/retrain, shares DVC's cache and remotes with the repo, and has no branch: one is made in the end, at once.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from << cookiecutter.package >> import config, tracking
from << cookiecutter.package >>.errors import RefusedError
from << cookiecutter.package >>.release import checkout
from << cookiecutter.package >>.release.revisions import cache_folder, dvc, environment, git

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
    remove()  # what a killed run may have left
    try:
        git(*NO_HOOKS, "worktree", "add", "--force", "--quiet", "--detach", str(PLACE), commit)
        own = Path(".dvc/config.local")
        if own.exists():
            shutil.copy(own, PLACE / own)
        dvc("config", "--local", "cache.dir", str(cache_folder()), folder=PLACE)
        for name, url in _local_remotes():
            dvc("remote", "modify", "--local", name, "url", url, folder=PLACE)
        yield PLACE
    finally:
        remove()


def remove() -> None:
    """Remove our worktree, and that of a gate that was killed in it."""
    for place in (PLACE / checkout.PLACE, PLACE):
        command = ["git", "worktree", "remove", "--force", "--force", str(place)]
        subprocess.run(command, env=environment(), capture_output=True)
    shutil.rmtree(PLACE, ignore_errors=True)


def inside(folder: Path) -> dict[str, str]:
    """The environment of the pipeline and the gate in the worktree: its code, and the repo's tracking store and servers."""
    params = config.load(folder / config.PARAMS)
    return environment() | {"PYTHONPATH": "src", "MLFLOW_TRACKING_URI": tracking.tracking_uri(params)}


def _local_remotes() -> list[tuple[str, str]]:
    """The remotes in folders outside of the repo: their addresses are relative to it, and a worktree lies elsewhere."""
    lines = dvc("remote", "list").stdout.splitlines()
    found = [re.fullmatch(r"(\S+)\s+(/.*?)\s*(?:\(default\))?", line.strip()) for line in lines]
    here = os.path.realpath(".")
    pairs = [(match[1], match[2]) for match in found if match]
    return [(name, url) for name, url in pairs if not Path(os.path.realpath(url)).is_relative_to(here)]
