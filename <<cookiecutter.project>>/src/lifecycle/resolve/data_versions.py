"""The versions of some data in conflict, fetched side by side.

They lie in a DVC repo of their own in .dvc/tmp, which has the cache and the remotes of this one: no file of the user's changes.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from configobj import ConfigObj

from lifecycle.core.dvc import cache_folder, dvc, failure_line, remotes
from lifecycle.core.dvc_files import outs_of
from lifecycle.core.errors import DataError
from lifecycle.core.files import read_text, write_text
from lifecycle.resolve.conflicts import BASE, OURS, THEIRS, Conflict

FOLDER = Path(".dvc/tmp/resolve")
NAMES = {BASE: "base", OURS: "ours", THEIRS: "theirs"}


@contextmanager
def data_versions(conflict: Conflict) -> Iterator[dict[str, Path]]:
    """Fetch the versions that a .dvc file has on the sides of a conflict: yields stage → path; what no remote has is left out."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        _configure()
        pointers = {stage: FOLDER / NAMES[stage] / conflict.path.name for stage in conflict.blobs}
        for stage, pointer in pointers.items():
            write_text(conflict.text(stage) or "", pointer)
        dvc("pull", "--quiet", *(str(pointer.relative_to(FOLDER)) for pointer in pointers.values()), folder=FOLDER)
        paths = {stage: pointer.with_suffix("") for stage, pointer in pointers.items()}
        yield {stage: path for stage, path in paths.items() if path.exists()}
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


def add(path: Path, remote: str | None) -> dict[str, Any]:
    """Add a file beside the versions to DVC's cache, and to the remote if that lies in this repo. Returns what its .dvc file says.

    Raises DataError if DVC cannot.
    """
    name = str(path.relative_to(FOLDER))
    commands = [["add", name]]
    place = remotes(Path()).get(remote or "")
    if place and place.is_relative_to(Path().resolve()):
        commands.append(["push", "--remote", str(remote), f"{name}.dvc"])
    for command in commands:
        done = dvc(*command, folder=FOLDER)
        if done.returncode:
            raise DataError(f"dvc {command[0]}: {failure_line(done)}")
    return output(read_text(Path(f"{path}.dvc")), f"{path}.dvc")


def output(pointer: str | None, source: str) -> dict[str, Any]:
    """Return what the text of a .dvc file says of its data. Raises ConfigError, which names the source, if it says nothing."""
    return dict(outs_of(pointer, source)[0])


def _configure() -> None:
    (FOLDER / ".dvc").mkdir(parents=True)
    settings = ConfigObj(".dvc/config")
    settings.merge(ConfigObj(".dvc/config.local"))
    settings.setdefault("core", {}).update({"no_scm": "true", "autostage": "false"})
    settings.setdefault("cache", {})["dir"] = str(cache_folder())
    for name, place in remotes(Path()).items():
        settings[f'remote "{name}"']["url"] = str(place)
    settings.filename = str(FOLDER / ".dvc/config")
    settings.write()
