"""Files of a commit that git or DVC acts on: those that the gate refuses, and those that bring files with them.

A .dvc file and an object in the embedded storage put files into the working tree that no diff shows. They are data, so they
may bring data only: under data/, and with the content that their hash stands for.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from lifecycle.core.dvc import cache_folder
from lifecycle.core.dvc_files import stages_at
from lifecycle.core.git import changed_files, changes, files_at, git, project_folder
from lifecycle.core.home import ROOT
from lifecycle.core.model_folders import folder_of, names_at
from lifecycle.core.pointers import EMBEDDED, outputs, problems, stored
from lifecycle.gate.touched_models import concerning

PIPELINE = ("dvc.yaml", "dvc.lock")
GIT_OBEYS = (".gitattributes", ".gitmodules", ".gitignore")
ACTED_ON = (*GIT_OBEYS, ".dvcignore")
"""Files that git or DVC obeys in whichever folder they lie."""
WORKFLOWS = (".github", ".gitlab-ci.yml")
REGULAR_FILE = "100"  # how the mode of a file that is no link and no submodule begins, in a git tree
SUBMODULE = "160000"
SHORT = 9  # digits of a hash


def not_regular(commit: str, paths: Iterable[Path]) -> list[str]:
    """Return those paths that the commit does not have as files of its own, each as a sentence."""
    modes = _modes(commit)
    sentences = []
    for path in map(str, paths):
        mode = modes.get(path, "")
        if not mode.startswith(REGULAR_FILE):
            folder = next(
                (str(parent) for parent in PurePosixPath(path).parents if modes.get(str(parent)) == SUBMODULE), ""
            )
            sentences.append(f"{path} is not in the commit" + (f": {folder} is a submodule" if folder else ""))
    return sentences


def refused(base: str, head: str) -> list[str]:
    """Return the files that must not be in a commit, each as a sentence.

    Those are a second pipeline, a .dvc file or an output that puts something outside data/, and, of the objects in the embedded
    storage that the branch changes, those whose content is not what their name says.
    """
    modes = _modes(head, ROOT)
    names = list(modes)
    of_models = {f"{folder_of(name)}/{file}" for name in names_at(head, ROOT) for file in PIPELINE}
    sentences = [
        f"{name} is a pipeline beside the project's own: move its stages into dvc.yaml at the top"
        for name in names
        if "/" in name and PurePosixPath(name).name.lower() in PIPELINE and name not in of_models
    ]
    pointers = [name for name in names if name.endswith(".dvc")]
    contents = files_at(head, *pointers, folder=ROOT) if pointers else {}
    outs = [out for stage in stages_at(head).values() for out in stage.get("outs", [])]
    sentences += problems(modes, contents, outs, lambda _, md5: stored(md5, cache_folder()) or _embedded(head, md5))
    objects = [name for name in changed_files(f"{base}...{head}", "--", EMBEDDED, folder=ROOT) if name in names]
    for name, content in files_at(head, *objects, folder=ROOT).items() if objects else ():
        stands_for = "".join(PurePosixPath(name).parts[-2:]).removesuffix(".dir")
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != stands_for:
            sentences.append(f"{name} does not hold what its name says: its MD5 is another")
    return sentences


def brought(base: str, head: str) -> list[str]:
    """Return what the .dvc files and stored objects that the branch changes bring with them, a line each."""
    names = set(_modes(head, ROOT))
    changed = [name for name in changed_files(f"{base}...{head}", folder=ROOT) if name in names]
    changed = concerning(changed, base, head)
    pointers = [name for name in changed if name.endswith(".dvc")]
    lines = []
    for name, content in files_at(head, *pointers, folder=ROOT).items() if pointers else ():
        lines += [f"{name} brings {path} ({(md5 or 'no hash')[:SHORT]})" for path, md5 in outputs(name, content)]
    objects = [name for name in changed if name.startswith(f"{EMBEDDED}/")]
    known = _known_hashes(head) if objects else {}
    for name in objects:
        md5 = "".join(PurePosixPath(name).parts[-2:])
        lines.append(f"{name} brings {known.get(md5, 'what neither a .dvc file nor dvc.lock names')}")
    return lines


def acted_on(base: str, head: str) -> list[str]:
    """Return the changed files that git or DVC obeys in whichever folder they lie, and changed submodules, from the top of the project.

    Of a project in a subfolder of its repository, also those above it that git obeys there, such as ../.gitattributes, and the
    repository's workflows.
    """
    project = PurePosixPath(project_folder(ROOT))
    return [
        os.path.relpath(change.path, project)
        for change in changes(f"{base}...{head}")
        if _obeyed(change.path, project) or (SUBMODULE in change[:2] and change.path.is_relative_to(project))
    ]


def _obeyed(path: PurePosixPath, project: PurePosixPath) -> bool:
    """Whether git or DVC obeys a file in a project."""
    if path.is_relative_to(project):
        return path.name.lower() in (*ACTED_ON, *PIPELINE)
    return path.parts[0] in WORKFLOWS or (path.name.lower() in GIT_OBEYS and project.is_relative_to(path.parent))


def _embedded(commit: str, md5: str) -> bytes | None:
    """The object that a commit has in its embedded storage under a hash."""
    name = f"{EMBEDDED}/files/md5/{md5[:2]}/{md5[2:]}"
    return files_at(commit, name, folder=ROOT).get(name)


def _known_hashes(head: str) -> dict[str, str]:
    """MD5 → path of what the .dvc files and dvc.lock of a commit name."""
    pointers = [name for name in _modes(head, ROOT) if name.endswith(".dvc")]
    contents = files_at(head, *pointers, folder=ROOT)
    known = {md5: path for name, content in contents.items() for path, md5 in outputs(name, content)}
    stages = stages_at(head).values()
    return known | {out.get("md5", ""): out["path"] for stage in stages for out in stage.get("outs", [])}


def _modes(commit: str, folder: Path = Path()) -> dict[str, str]:
    """Name → mode of every file and submodule that a commit has in a folder."""
    listed = git("ls-tree", "-r", "-z", commit, folder=folder).split("\0")
    entries = [line.split("\t", 1) for line in listed if line]
    return {name: about.split()[0] for about, name in entries}
