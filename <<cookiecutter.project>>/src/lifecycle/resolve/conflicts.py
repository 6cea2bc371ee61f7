"""The files that git could not merge: generated ones, .dvc files, and those that a person has to resolve."""

from dataclasses import dataclass
from pathlib import Path

from lifecycle.core import config
from lifecycle.core.dvc_files import stages_here, stages_of
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import git, text_at

BASE, OURS, THEIRS = "1", "2", "3"  # the stages of git's index
HOW = {
    frozenset({OURS, THEIRS}): "added on both sides",
    frozenset({BASE, OURS}): "deleted by theirs and changed by ours",
    frozenset({BASE, THEIRS}): "deleted by ours and changed by theirs",
}


@dataclass(frozen=True)
class Conflict:
    """A file in conflict."""

    path: Path
    blobs: dict[str, str]
    """Git's objects with its versions, by stage; a stage lacks if the file does not exist there."""

    @property
    def is_pointer(self) -> bool:
        """Whether the file says which version of some data belongs to a commit."""
        return self.path.suffix == ".dvc"

    def text(self, stage: str) -> str | None:
        """Return the file's text on a side, or None if it does not exist there."""
        return git("cat-file", "blob", self.blobs[stage]) if stage in self.blobs else None

    def advice(self) -> str:
        """Return what happened and what to do, in one line."""
        how = HOW.get(frozenset(self.blobs), "changed on both sides")
        if BASE in self.blobs and len(self.blobs) < 3:
            return f"{self.path}: {how}: `git add {self.path}` to have it, or `git rm {self.path}`"
        return f"{self.path}: {how}: edit it, then `git add {self.path}`"


def conflicts() -> list[Conflict]:
    """Return the files in conflict, in the order of their names."""
    blobs: dict[str, dict[str, str]] = {}
    for entry in _entries("ls-files", "--unmerged", "-z"):
        about, path = entry.split("\t", 1)
        _, blob, stage = about.split()
        blobs.setdefault(path, {})[stage] = blob
    return [Conflict(Path(path), of_path) for path, of_path in blobs.items()]


def generated_files(conflicting: list[Conflict], home: Path = Path()) -> set[Path]:
    """Return the files in git that a stage of a model's pipeline writes, and its dvc.lock: before the merge, and on the other side."""
    lock = home / config.LOCK
    texts = [text_at("HEAD", lock) or ""]
    texts += [conflict.text(THEIRS) or "" for conflict in conflicting if conflict.path == lock]
    if is_readable(lock):  # of a run that was cut off, or merged by git
        texts.append(lock.read_text(encoding="utf-8"))
    outputs = {path for text in texts for path in outputs_of(text, home)}
    return _tracked(outputs | {str(lock)})


def is_readable(lock: Path) -> bool:
    """Whether a dvc.lock is one that DVC can read: one with conflict markers is not."""
    try:
        stages_here(lock)
    except ConfigError:
        return False
    return True


def outputs_of(lock: str, home: Path = Path()) -> list[str]:
    """Return the paths, from the top, that the stages in the text of the dvc.lock of a model's folder write."""
    stages = stages_of(lock, str(home / config.LOCK)).values()
    return [str(home / out["path"]) for stage in stages for out in stage.get("outs", [])]


def take_ours(files: set[Path]) -> None:
    """Set files to what they are in HEAD, in the index and the working tree; those that HEAD lacks are removed."""
    git("--literal-pathspecs", "restore", "--source=HEAD", "--staged", "--worktree", "--", *sorted(map(str, files)))


def _tracked(paths: set[str]) -> set[Path]:
    """The files below some paths that are in HEAD or in git's index."""
    names = _entries("ls-files", "-z", "--", *paths)
    names += _entries("ls-tree", "-r", "-z", "--name-only", "HEAD", *paths)
    return {Path(name) for name in names}


def _entries(*arguments: object) -> list[str]:
    return git("--literal-pathspecs", *map(str, arguments)).split("\0")[:-1]
