"""Which models a change is about: that of the folder it lies in, those of the package it lies in, or all.

A model may also read what is another's, such as its table: dvc.lock says so.
"""

import functools
import os
import re
from contextlib import suppress
from pathlib import PurePosixPath

from lifecycle.core.dvc_files import stages_of
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import changed_files, text_at
from lifecycle.core.home import LOCK, NAME, PARAMS, ROOT
from lifecycle.core.model_folders import TOP, folder_of, names_at, owner_of


def touched(base: str, head: str) -> list[str]:
    """Return the names of those models of a commit that a change since its base may alter, in the order of their names."""
    changed = changed_files(f"{base}...{head}", folder=ROOT)
    present = [TOP, *names_at(head, ROOT)]
    return sorted({name for path in changed for name in models_of(path, base, head)} & {*present})


def concerns(path: str, base: str, head: str) -> bool:
    """Whether a file, named from the top of the project, is this process's model's own, or shared with it."""
    return NAME in models_of(path, base, head)


def models_of(path: str, base: str, head: str) -> set[str]:
    """Return the names of the models, of two commits, that a file is about."""
    of_base, of_head = packages_at(base), packages_at(head)
    names = {*of_base, *of_head}
    if (owner := owner_of(path, sorted(names - {TOP}))) is not None:
        paths = {path, path.removesuffix(".dvc"), *map(str, PurePosixPath(path).parents)}
        return {owner, *(name for name in names for commit in (base, head) if paths & inputs_at(commit, name))}
    parts = PurePosixPath(path).parts
    packages = [*of_base.items(), *of_head.items()]
    users = {name for name, package in packages if len(parts) > 2 and parts[:2] == ("src", package)}
    return users or names


@functools.lru_cache(maxsize=8)
def packages_at(commit: str) -> dict[str, str]:
    """Return the models of a commit by name, each with the name of the user's package that it runs."""
    texts = {name: text_at(commit, folder_of(name) / PARAMS, ROOT) or "" for name in (TOP, *names_at(commit, ROOT))}
    named = {name: re.search(r"^package: *[\"']?(\w+)", text, flags=re.MULTILINE) for name, text in texts.items()}
    return {name: match[1] if match else "" for name, match in named.items()}


@functools.lru_cache(maxsize=64)
def inputs_at(commit: str, name: str) -> frozenset[str]:
    """Return what the stages of a model read at a commit and do not write, from the top of the project; nothing, if dvc.lock cannot be read."""
    folder = folder_of(name)
    text = text_at(commit, folder / LOCK, ROOT)
    with suppress(ConfigError):  # its own gate says why
        stages = stages_of(text, LOCK).values()
        written = {out["path"] for stage in stages for out in stage.get("outs", [])}
        read = {dep["path"] for stage in stages for dep in stage.get("deps", [])} - written
        return frozenset(os.path.normpath(folder / path) for path in read)
    return frozenset()
