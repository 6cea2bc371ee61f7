"""The commit that the last one is compared with."""

from dataclasses import dataclass

from lifecycle.core import config, version_code
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import UnknownRevisionError, commit_of, git
from lifecycle.gate.commit_metadata import lock_hash_of

ORIGIN, LOCAL = "refs/remotes/origin/", "refs/heads/"


@dataclass(frozen=True)
class Base:
    revision: str
    """As it was named, or as it is called if nobody named it."""
    commit: str
    note: str = ""
    """How it was chosen, if nobody named it."""


def choose_base(revision: str | None) -> Base:
    """Return the commit to compare HEAD with: the one that a revision names, or by default where HEAD will be merged.

    That is the default branch of origin, else the local branch of that name, else the commit before HEAD. If HEAD is
    already there, and no commit since has other results or code, it is the last one that had others: what a release replaces.

    Raises ConfigError if there is no such commit.
    """
    if revision:
        return Base(revision, commit_of(revision))
    main = _main()
    name = _default(main)
    try:
        base = commit_of(name)
    except UnknownRevisionError:
        raise ConfigError(
            "HEAD is the only commit, so there is nothing to compare it with: commit the results of `make repro` first"
        ) from None
    short = name.removeprefix("refs/remotes/").removeprefix(LOCAL)
    head = commit_of("HEAD")
    if not (_is_checked_out(main) or _contains(base, head)) or not _same(base, head):
        return Base(name, base, f"Compared with {short}, because no base was named")
    earlier = _last_different(base, head)
    if earlier is None:
        return Base(
            name, base, f"Compared with {short}, because no base was named; no commit before it has other results"
        )
    note = f"{short} has the same results and code as HEAD, so this is compared with the last commit before it that has others"
    return Base(earlier[:9], earlier, note)


def _main() -> str:
    """The name of the branch that others are merged into: origin's default one, as a clone notes it, else main."""
    default = git("for-each-ref", "--format=%(symref)", f"{ORIGIN}HEAD").strip()  # nothing, if it was not cloned
    return default.removeprefix(ORIGIN) or "main"


def _default(main: str) -> str:
    if _exists(f"{ORIGIN}{main}"):
        return f"{ORIGIN}{main}"
    return f"{LOCAL}{main}" if _exists(f"{LOCAL}{main}") and not _is_checked_out(main) else "HEAD~1"


def _last_different(base: str, head: str) -> str | None:
    """The last commit, along first parents, whose results or code are not those of HEAD."""
    affecting = (config.LOCK, config.PARAMS, config.CONTRACT, version_code.SRC)
    changing = git("rev-list", "--first-parent", base, "--", *map(str, affecting)).split()
    for commit in changing:  # between two of them nothing that matters changes
        before = f"{commit}~1"
        if _exists(before) and not _same(commit_of(before), head):
            return commit_of(before)
    return None


def _same(commit: str, head: str) -> bool:
    same_results = lock_hash_of(commit) == lock_hash_of(head)
    return same_results and version_code.hash_at(commit) == version_code.hash_at(head)


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
