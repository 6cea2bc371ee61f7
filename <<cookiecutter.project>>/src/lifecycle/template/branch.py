"""The branch of an update: the commit is tried in a worktree, and then checked out, or left with its conflicts to the user."""

from pathlib import Path

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import NO_HOOKS, changed_files, git, identity, project_folder

PREFIX = "template-update/"
DELETED_HERE = "DU"
UNMERGED = {"DD", "AU", "UD", "UA", "DU", "AA", "UU"}
PICK = ("-c", "rerere.enabled=false", "cherry-pick", "--no-gpg-sign", "--allow-empty", "--keep-redundant-commits")
FORMERLY, PICKING, MADE = "formerly", "picking", "made"  # of a branch, in git's settings: they go when it is deleted


def check_checkout() -> None:
    """Raise ConfigError if the checkout is not one that an update can start from."""
    check_repository()
    branch = _current()
    if _pick_in_progress():
        if _pick_in_progress() != _setting(branch, PICKING):
            raise ConfigError("a cherry-pick is in progress: finish it, or `git cherry-pick --abort`")
        raise ConfigError(
            "an update is in progress: resolve its conflicts, then `git cherry-pick --continue`; or give up: make template-update ABORT=1"
        )
    if changed := changed_files("HEAD") or changed_files("--cached", "HEAD"):
        raise ConfigError(f"uncommitted changes in {', '.join(changed[:5])}: commit or stash them first")
    if not branch:
        raise ConfigError("no branch is checked out: `git switch main`, and the same command again")


def check_repository() -> None:
    """Raise ConfigError if the git repository holds more than the project: two renders would not compare with what is around it."""
    if project_folder() != Path():
        raise ConfigError(
            f"the project is the folder {project_folder()} of a larger git repository: only a repository of the project alone can be updated"
        )


def check_free(branch: str, commit: str) -> None:
    """Raise ConfigError if a file or a branch of the user's is in the way of an update.

    Args:
        branch: of the update.
        commit: the new render, on top of the old one.
    """
    tracked = set(git("ls-files", "-z").split("\0"))
    added = git("diff", "--name-only", "--no-renames", "--diff-filter=A", "-z", f"{commit}^", commit).split("\0")[:-1]
    for name in added:
        if name not in tracked and (Path(name).exists() or Path(name).is_symlink()):
            raise ConfigError(
                f"{name}: git does not know this file, and the update brings one of this name: move yours away"
            )
    present = git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()
    if present and branch != _current() and present != _setting(branch, MADE) and git("rev-list", f"HEAD..{present}"):
        raise ConfigError(f"branch {branch} has commits of yours: merge it, or delete it with `git branch -D {branch}`")


def pick(folder: Path, commit: str) -> dict[str, str]:
    """Pick a commit onto HEAD of the repo, in a worktree of it. Returns path → git's code of each conflict."""
    git("reset", "--quiet", "--hard", git("rev-parse", "HEAD").strip(), folder=folder)
    git("clean", "-fdxq", folder=folder)
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
    """Check a commit on top of HEAD out on a branch. Raises ConfigError if git refuses; all is then as it was."""
    # First, so that the next run takes the branch of one that was killed for its own.
    git("config", f"branch.{branch}.{MADE}", commit)
    if branch == _current():
        git(*NO_HOOKS, "merge", "--quiet", "--ff-only", commit)
    else:
        _switch_to_new(branch, commit)


def switch_and_pick(branch: str, commit: str) -> None:
    """Pick a commit that conflicts onto a branch, and leave the conflicts in the checkout.

    Raises ConfigError if git refuses; all is then as it was.
    """
    former = _current()
    if branch != former:
        _switch_to_new(branch, "HEAD")
        git("config", f"branch.{branch}.{FORMERLY}", former)
    git("config", f"branch.{branch}.{PICKING}", commit)
    try:
        git(*NO_HOOKS, *identity(), *PICK, commit)
    except ConfigError:
        if _pick_in_progress():
            return  # with its conflicts
        if branch != former:
            git(*NO_HOOKS, "switch", "--quiet", former)
            git("branch", "--quiet", "--delete", "--force", branch)
        raise


def abort() -> str:
    """Give up an update that has conflicts. Returns the branch that is checked out then. Raises ConfigError if there is none."""
    branch = _current()
    if not _pick_in_progress() or _pick_in_progress() != _setting(branch, PICKING):
        raise ConfigError("no update of the template is in progress here")
    git(*NO_HOOKS, "cherry-pick", "--abort")
    former = _setting(branch, FORMERLY)
    if not former or git("rev-list", f"refs/heads/{former}..{branch}"):
        return branch  # which has commits of the user's
    git(*NO_HOOKS, "switch", "--quiet", former)
    git("branch", "--quiet", "--delete", "--force", branch)
    return former


def _switch_to_new(branch: str, commit: str) -> None:
    """The branch is made before a file is touched: git refuses a name that is taken, or checked out elsewhere."""
    git("branch", "--quiet", "--no-track", "--force", branch, commit)
    try:
        git(*NO_HOOKS, "switch", "--quiet", "--no-overwrite-ignore", branch)
    except ConfigError:
        git("branch", "--quiet", "--delete", "--force", branch)
        raise


def _current() -> str:
    return git("branch", "--show-current").strip()


def _setting(branch: str, name: str) -> str:
    return git("config", "--default", "", "--get", f"branch.{branch}.{name}").strip()


def _pick_in_progress() -> str:
    """The commit that is being picked, or nothing."""
    path = Path(git("rev-parse", "--git-path", "CHERRY_PICK_HEAD").strip())
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""
