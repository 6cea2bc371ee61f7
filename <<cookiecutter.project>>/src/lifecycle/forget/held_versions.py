"""What git's commits and DVC's storages still hold of a row: versions of tables with it, who names them, and where they lie.

Nothing is changed. A commit that names a version which is removed cannot be reproduced any more.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.dvc import cache_folder, remote_urls, remotes
from lifecycle.core.dvc_files import outs_of
from lifecycle.core.errors import DataError, ProjectError
from lifecycle.core.git import git, project_folder, text_at
from lifecycle.core.markdown import counted
from lifecycle.core.pointers import EMBEDDED, FOLDER
from lifecycle.forget import dataset_rows, table_rows

IN_LOCK = re.compile(r"^\s*- path: (data/.+)\n\s+hash: md5\n\s+md5: ([0-9a-f]{32}(?:\.dir)?)$", re.MULTILINE)
SHORTEST = 4  # characters of an id that git is searched for: shorter ones are in every file
MOST_NAMED = 3


@dataclass(frozen=True)
class Version:
    """A version of a table, as commits name it."""

    path: str
    md5: str


@dataclass(frozen=True)
class Held:
    """A version that has the row."""

    version: Version
    commits: list[str]
    """That name it, the latest first; none if only the working tree does."""
    objects: list[Path]
    """The files in DVC's storages."""


def held(row_id: str, params: Params) -> tuple[list[Held], list[Version]]:
    """Return the versions that hold the row, and those that could not be looked through because no storage here has them."""
    holding, unknown = [], []
    for version, commits in _named(params).items():
        files = [(file, name) for file, name in _files(version) if file.is_file() and table_rows.is_table(name)]
        if not files and (table_rows.is_table(version.path) or version.md5.endswith(FOLDER)):
            unknown.append(version)
        of_row = [file for file, name in files if _has(file, name, row_id, params)]
        if of_row:
            holding.append(Held(version, commits, of_row))
    return holding, unknown


def in_git(row_id: str) -> dict[str, list[str]]:
    """Return the files in git whose content names the id in some commit, and the commits that added or removed it."""
    files: dict[str, list[str]] = {}
    if len(row_id) < SHORTEST:
        return files
    commit = ""
    for line in git("log", "--all", "--format=:%h", "--name-only", "--relative", f"-S{row_id}", "--", ".").splitlines():
        if line.startswith(":"):
            commit = line[1:]
        elif line:
            files.setdefault(line, []).append(commit)
    return files


def describe(holding: list[Held], unknown: list[Version], files: dict[str, list[str]], row_id: str) -> Iterator[str]:
    """Yield a line for each thing that is left, followed by the commands that remove it."""
    for item in holding:
        places = ", ".join(str(_short(file)) for file in item.objects)
        yield f"still held: {item.version.path}, version {item.version.md5[:8]}, in {places}, named by {_commits(item.commits)}"
    objects = sorted({file for item in holding for file in item.objects})
    embedded = [str(_short(file)) for file in objects if _is_embedded(file)]
    if outside := [str(_short(file)) for file in objects if not _is_embedded(file)]:
        yield "to remove them, after which those commits cannot be reproduced:"
        yield f"  rm -f {shlex.join(outside)}"
    stores = sorted(remote_urls(Path()).keys() - remotes(Path()).keys())  # those that are no folders
    if holding and stores:
        yield f"not looked through: {', '.join(stores)}, of DVC's remotes; to remove there all that the working tree does not use:"
        yield from (f"  dvc gc --workspace --cloud --remote {name}" for name in stores)
    if unknown:
        lost = (
            f"{len(unknown)} older versions of tables"
            if len(unknown) > 1
            else f"{unknown[0].path}, version {unknown[0].md5[:8]}"
        )
        yield f"not looked through: {lost}, not in DVC's cache: `dvc fetch --all-commits` brings what the remote still has"
    for name, commits in files.items():
        if not name.startswith(EMBEDDED):
            yield f"still held: {name} in git has had {row_id} in it: {_commits(commits)}"
    if in_history := sorted({*embedded, *(name for name in files if name.startswith(EMBEDDED))}):
        paths = (f"--path {shlex.quote(str(project_folder() / name))}" for name in in_history)
        yield "part of git's history, so to remove them means a new one, which everyone has to clone again:"
        yield f"  git filter-repo --invert-paths {' '.join(paths)}"
    if len(row_id) < SHORTEST:
        yield f"not looked through: the other files in git: {row_id} is too short to mean this row alone"


def _named(params: Params) -> dict[Version, list[str]]:
    """The versions of tables that commits name, in .dvc files and dvc.lock, or that DVC's files here do."""
    named: dict[Version, list[str]] = {}
    pointers = [dataset_rows.pointer(path) for path in dataset_rows.files(params)]
    for file in [*pointers, config.LOCK]:
        here = [("", file.read_text(encoding="utf-8"))] if file.exists() else []
        commits = git("log", "--all", "--format=%h", "--", str(file)).split()
        for commit, text in [*here, *((commit, text_at(commit, file) or "") for commit in commits)]:
            for version in _versions(file, text):
                of_version = named.setdefault(version, [])
                of_version += [commit] if commit and commit not in of_version else []
    return named


def _versions(file: Path, text: str) -> Iterable[Version]:
    if file == config.LOCK:
        return {Version(*named) for named in IN_LOCK.findall(text)}
    try:
        outs = outs_of(text, str(file))
    except ProjectError:  # of a commit without the file
        return []
    return [Version(str(file.parent / out["path"]), out["md5"]) for out in outs if "md5" in out]


def _files(version: Version) -> Iterator[tuple[Path, str]]:
    """Where storages would have the files of a version, and for each the name whose suffix tells the format."""
    for folder in [cache_folder(), *remotes(Path()).values()]:
        file = _object(folder, version.md5)
        if not version.md5.endswith(FOLDER):
            yield file, version.path
        elif file.is_file():
            with suppress(ValueError, KeyError, TypeError):
                for entry in json.loads(file.read_text(encoding="utf-8")):
                    yield _object(folder, entry["md5"]), entry["relpath"]


def _object(folder: Path, md5: str) -> Path:
    return folder / "files" / "md5" / md5[:2] / md5[2:]


def _has(file: Path, name: str, row_id: str, params: Params) -> bool:
    try:
        return table_rows.count(file, params.data.id, row_id, params.data.csv, name) > 0
    except DataError:  # not written as the dataset is now
        return row_id.encode() in file.read_bytes()


def _is_embedded(file: Path) -> bool:
    return file.resolve().is_relative_to(Path(EMBEDDED).resolve())


def _short(file: Path) -> Path:
    """A path from here, if it lies here."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _commits(commits: list[str]) -> str:
    listed = ", ".join(commits[:MOST_NAMED]) + (", ..." if len(commits) > MOST_NAMED else "")
    return f"{counted(len(commits), 'commit')} ({listed})" if commits else "no commit yet"
