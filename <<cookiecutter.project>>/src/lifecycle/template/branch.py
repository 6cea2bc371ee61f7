"""The branch of an update: the commit is tried in a worktree, and then checked out, or left with its conflicts to the user."""

from contextlib import suppress
from pathlib import Path

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import NO_HOOKS, changed_files, git, identity

PREFIX = "template-update/"
DELETED_HERE = "DU"
UNMERGED = {"DD", "AU", "UD", "UA", "DU", "AA", "UU"}
PICK = ("-c", "rerere.enabled=false", "cherry-pick", "--no-gpg-sign", "--allow-empty", "--keep-redundant-commits")


def check_checkout() -> None:
    """Raise ConfigError if the checkout is not one that an update can start from."""
    if _is_picking():
        raise ConfigError(
            "an update is in progress: resolve its conflicts, then `git cherry-pick --continue`; or give up: make template-update ABORT=1"
        )
    if changed := changed_files("HEAD"):
        raise ConfigError(f"uncommitted changes in {', '.join(changed[:5])}: commit or stash them first")
    if prefix := git("rev-parse", "--show-prefix").strip():
        raise ConfigError(
            f"the git repository begins above {prefix}: only a repository of the project alone can be updated"
        )
    if not git("branch", "--show-current").strip():
        raise ConfigError("no branch is checked out: `git switch main`, and the same command again")


def pick(folder: Path, commit: str) -> dict[str, str]:
    """Pick a commit onto HEAD of the repo, in a worktree of it. Returns path → git's code of each conflict."""
    git("reset", "--quiet", "--hard", git("rev-parse", "HEAD").strip(), folder=folder)
    try:
        git(*NO_HOOKS, *identity(), *PICK, commit, folder=folder)
        return {}
    except ConfigError as error:
        failure = error
    entries = git("status", "--porcelain", "-z", folder=folder).split("\0")
    conflicts = {entry[3:]: entry[:2] for entry in entries if entry[:2] in UNMERGED}
    if not conflicts:
        raise failure
    return conflicts


def switch(branch: str, commit: str) -> None:
    """Check a commit out on a branch. Raises ConfigError if the branch has other commits, or git refuses."""
    _check_free(branch, commit)
    git(*NO_HOOKS, "switch", "--quiet", "--force-create", branch, commit)


def switch_and_pick(branch: str, commit: str) -> None:
    """Pick a commit that conflicts onto a new branch, and leave the conflicts in the checkout."""
    _check_free(branch, "HEAD")
    former = git("branch", "--show-current").strip()
    git(*NO_HOOKS, "switch", "--quiet", "--force-create", branch)
    git("config", f"branch.{branch}.formerly", former)
    with suppress(ConfigError):  # the conflicts
        git(*NO_HOOKS, *identity(), *PICK, commit)


def abort() -> str:
    """Give up an update that has conflicts. Returns the branch that is checked out again. Raises ConfigError if there is none."""
    branch = git("branch", "--show-current").strip()
    if not branch.startswith(PREFIX) or not _is_picking():
        raise ConfigError("no update of the template is in progress here")
    former = git("config", f"branch.{branch}.formerly").strip()
    git(*NO_HOOKS, "cherry-pick", "--abort")
    git(*NO_HOOKS, "switch", "--quiet", former)
    git("branch", "--quiet", "--delete", "--force", branch)
    return former


def _is_picking() -> bool:
    return Path(git("rev-parse", "--git-path", "CHERRY_PICK_HEAD").strip()).exists()


def _check_free(branch: str, commit: str) -> None:
    """Raise ConfigError if a branch of this name has commits that are neither in HEAD nor what it is set to."""
    present = git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()
    if not present or not git("rev-list", f"HEAD..{present}").strip():
        return
    if git("rev-parse", f"{present}^{{tree}}") != git("rev-parse", f"{commit}^{{tree}}"):
        raise ConfigError(f"branch {branch} is another update: merge it, or delete it with `git branch -D {branch}`")
