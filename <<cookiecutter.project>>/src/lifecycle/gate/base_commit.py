"""The commit that the last one is compared with."""

from dataclasses import dataclass

from lifecycle.core import config, version_code
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import (
    UNSHALLOW,
    UnknownRevisionError,
    changed_files,
    commit_of,
    git,
    is_shallow,
    merge_base,
)
from lifecycle.core.home import MODELS, NAME, SRC
from lifecycle.core.model_folders import folder_of
from lifecycle.gate.commit_metadata import lock_hash_of
from lifecycle.gate.touched_models import packages_at

ORIGIN, LOCAL, BEFORE = "refs/remotes/origin/", "refs/heads/", "HEAD~1"


@dataclass(frozen=True)
class Base:
    revision: str
    """As it was named, or as it is called if nobody named it."""
    commit: str
    note: str = ""
    """How it was chosen, if nobody named it."""


def choose_base(revision: str | None, head: str) -> Base:
    """Return the commit to compare HEAD with: the one that a revision names, or by default where HEAD will be merged.

    That is the default branch of origin, else the local branch of that name, else the commit before HEAD. If HEAD is
    already there, and no commit since has other results or code, it is the last one that had others: what a release replaces.

    Args:
        revision: of the user, or None.
        head: the commit that HEAD was when the command started.

    Raises ConfigError if there is no such commit, or it has no commit in common with HEAD.
    """
    base = Base(revision, commit_of(revision)) if revision else _default_base(head)
    if merge_base(base.commit, head) is None:
        way = UNSHALLOW if is_shallow() else "name the branch that HEAD started from (BASE=, --base)"
        raise ConfigError(f"base {base.revision}: git knows no commit that it has in common with HEAD; {way}")
    return base


def default_branch() -> str:
    """Return the name of the branch that others are merged into: origin's default one, as a clone notes it, else main."""
    default = git("for-each-ref", "--format=%(symref)", f"{ORIGIN}HEAD").strip()  # nothing, if it was not cloned
    return default.removeprefix(ORIGIN) or "main"


def _default_base(head: str) -> Base:
    main = default_branch()
    name = _default(main)
    try:
        base = commit_of(f"{head}~1" if name == BEFORE else name)
    except UnknownRevisionError:
        raise ConfigError(
            f"the commit before HEAD is not here, and nothing else to compare it with; {UNSHALLOW}"
            if is_shallow()
            else "HEAD is the only commit, so there is nothing to compare it with: commit the results of `make repro` first"
        ) from None
    short = name.removeprefix("refs/remotes/").removeprefix(LOCAL)
    if not (_is_checked_out(main) or _contains(base, head)) or not _same(base, head):
        return Base(name, base, f"Compared with {short}, because no base was named")
    earlier = _last_different(base, head)
    if earlier is None and is_shallow():
        raise ConfigError(f"HEAD is already in {short}, and the commits before it are not here; {UNSHALLOW}")
    if earlier is None:
        return Base(
            name, base, f"Compared with {short}, because no base was named; no commit before it has other results"
        )
    note = f"{short} has the same results and code as HEAD, so this is compared with the last commit before it that has others"
    return Base(earlier[:9], earlier, note)


def _default(main: str) -> str:
    if _exists(f"{ORIGIN}{main}"):
        return f"{ORIGIN}{main}"
    return f"{LOCAL}{main}" if _exists(f"{LOCAL}{main}") and not _is_checked_out(main) else BEFORE


def _last_different(base: str, head: str) -> str | None:
    """The last commit, along first parents, whose results or code are not those of HEAD."""
    affecting = (config.LOCK, config.PARAMS, config.CONTRACT, MODELS, SRC)
    changing = git("rev-list", "--first-parent", base, "--", *map(str, affecting)).split()
    for commit in changing:  # between two of them nothing that matters changes
        before = f"{commit}~1"
        if _exists(before) and not _same(commit_of(before), head):
            return commit_of(before)
    return None


def _same(commit: str, head: str) -> bool:
    same_results = lock_hash_of(commit) == lock_hash_of(head) and not _differing_models(commit, head)
    return same_results and version_code.hash_at(commit) == version_code.hash_at(head)


def _differing_models(commit: str, head: str) -> list[str]:
    """Where the model at the top stands for all: the changed files of further ones."""
    of_head = {} if NAME else packages_at(head)
    folders = [path for name, package in of_head.items() if name for path in (folder_of(name), SRC / package)]
    return changed_files(commit, head, "--", *map(str, folders)) if folders else []


def _is_checked_out(branch: str) -> bool:
    return git("rev-parse", "--symbolic-full-name", "HEAD").strip() == f"{LOCAL}{branch}"


def _contains(base: str, head: str) -> bool:
    return git("rev-list", "--count", f"{base}..{head}").strip() == "0"


def _exists(revision: str) -> bool:
    try:
        commit_of(revision)
    except UnknownRevisionError:
        return False
    return True
