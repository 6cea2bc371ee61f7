"""Which models a change is about: that of the folder it lies in, those of the package it lies in, or all.

A model may also read what is another's, such as its table: dvc.lock says so.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from lifecycle.core.dvc_files import stages_of
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import changed_files, text_at
from lifecycle.core.home import LOCK, NAME, PARAMS, ROOT
from lifecycle.core.model_folders import TOP, folder_of, names_at, owner_of


@dataclass(frozen=True)
class Owners:
    """Whose the files of two commits are."""

    packages: list[tuple[str, str]]
    """Name of a model and user's package that it runs, on either side."""
    inputs: dict[str, set[str]]
    """By name of a model: what its stages read and do not write, from the top of the project."""

    def models_of(self, path: str) -> set[str]:
        """Return the names of the models that a file, named from the top of the project, is about."""
        if (owner := owner_of(path, sorted(self.inputs.keys() - {TOP}))) is not None:
            paths = {path, path.removesuffix(".dvc"), *map(str, PurePosixPath(path).parents)}
            return {owner, *(name for name, read in self.inputs.items() if paths & read)}
        folders = PurePosixPath(path).parts[:-1]
        users = {name for name, package in self.packages if folders[:2] == ("src", package)}
        return users or {*self.inputs}


def touched(base: str, head: str) -> list[str]:
    """Return the names of those models of a commit that a change since its base may alter, in the order of their names."""
    owners = owners_at(base, head)
    changed = changed_files(f"{base}...{head}", folder=ROOT)
    present = {TOP, *names_at(head, ROOT)}
    return sorted({name for path in changed for name in owners.models_of(path)} & present)


def concerning(paths: Iterable[str], base: str, head: str) -> list[str]:
    """Return those files, named from the top of the project, that are this process's model's own or shared with it."""
    owners = owners_at(base, head)
    return [path for path in paths if NAME in owners.models_of(path)]


def owners_at(base: str, head: str) -> Owners:
    """Return whose the files of two commits are."""
    packages = [item for commit in (base, head) for item in packages_at(commit).items()]
    inputs: dict[str, set[str]] = {name: set() for name, _ in packages}
    for commit in (base, head) if len(inputs) > 1 else ():
        for name, read in inputs.items():
            read |= _inputs_at(commit, name)
    return Owners(packages, inputs)


def packages_at(commit: str) -> dict[str, str]:
    """Return the models of a commit by name, each with the name of the user's package that it runs."""
    texts = {name: text_at(commit, folder_of(name) / PARAMS, ROOT) or "" for name in (TOP, *names_at(commit, ROOT))}
    named = {name: re.search(r"^package: *[\"']?(\w+)", text, flags=re.MULTILINE) for name, text in texts.items()}
    return {name: match[1] if match else "" for name, match in named.items()}


def _inputs_at(commit: str, name: str) -> set[str]:
    """What the stages of a model read at a commit and do not write; nothing, if dvc.lock cannot be read."""
    folder = folder_of(name)
    text = text_at(commit, folder / LOCK, ROOT)
    with suppress(ConfigError):  # its own gate says why
        stages = stages_of(text, LOCK).values()
        written = {out["path"] for stage in stages for out in stage.get("outs", [])}
        read = {dep["path"] for stage in stages for dep in stage.get("deps", [])} - written
        return {os.path.normpath(folder / path) for path in read}
    return set()
