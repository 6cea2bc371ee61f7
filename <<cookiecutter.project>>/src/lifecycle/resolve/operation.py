"""What git is in the middle of, and the command that finishes it."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from lifecycle.core.git import git


@dataclass(frozen=True)
class Operation:
    """A merge, rebase, cherry-pick or revert that stopped."""

    name: str
    theirs: str
    """The ref of the commit that is merged or applied; `ours` is HEAD, in a rebase the new base."""
    finish: str
    """The command that finishes it, or goes on to its next commit."""
    skip: str = ""
    """The command for a commit that turns out to change nothing."""

    def side(self, name: str) -> str:
        """Return the commit of the side `ours` or `theirs`, with its subject."""
        return git("log", "-1", "--format=%h %s", "HEAD" if name == "ours" else self.theirs).strip()


# In this order: a rebase that stops at a merge commit is both.
OPERATIONS = {
    "rebase-apply/applying": Operation("patch", "HEAD", "git am --continue", "git am --skip"),
    "rebase-merge": Operation("rebase", "REBASE_HEAD", "git rebase --continue", "git rebase --skip"),
    "rebase-apply": Operation("rebase", "REBASE_HEAD", "git rebase --continue", "git rebase --skip"),
    "MERGE_HEAD": Operation("merge", "MERGE_HEAD", "git commit --no-edit"),
    "CHERRY_PICK_HEAD": Operation(
        "cherry-pick", "CHERRY_PICK_HEAD", "git cherry-pick --continue", "git cherry-pick --skip"
    ),
    "REVERT_HEAD": Operation("revert", "REVERT_HEAD", "git revert --continue", "git revert --skip"),
}


def in_progress() -> Operation | None:
    """Return what git is in the middle of, if anything."""
    files = git("rev-parse", *chain(*(("--git-path", name) for name in OPERATIONS))).splitlines()
    present = [name for name, file in zip(OPERATIONS, files, strict=True) if Path(file).exists()]
    return OPERATIONS[present[0]] if present else None
