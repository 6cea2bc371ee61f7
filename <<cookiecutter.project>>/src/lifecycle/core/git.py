"""git, run as a command, without the settings that a hook or a DVC stage has for its own repo."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from lifecycle.core.errors import ConfigError

ANY_REPO = ("rev-parse", "--git-dir")  # fails only where git does not work at all
UNSHALLOW = "this clone is shallow: `git fetch --unshallow` brings the commits that it lacks"
FULL = ("No space left on device", "Disk quota exceeded", "unable to write")
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")  # the user's hooks are meant for the user's checkout


class GitError(ConfigError):
    """git does not work in a folder, whatever it is asked: it is not installed, or refuses the folder."""


class NoRepositoryError(GitError):
    """The folder is in no git repository."""


class UnknownRevisionError(ConfigError):
    """git knows no such revision."""


def git(*arguments: str, folder: Path = Path(), stdin: str | None = None) -> str:
    """Run git in a folder and return its output. Raises ConfigError with its error message."""
    return run(*arguments, folder=folder, stdin=stdin).stdout.decode(errors="surrogateescape")


def run(*arguments: str, folder: Path = Path(), stdin: str | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder and return what came of it. The one place where git is run.

    Raises GitError if it is not installed or refuses the folder, which may have another owner; ConfigError if it fails
    otherwise.
    """
    content = None if stdin is None else stdin.encode(errors="surrogateescape")
    variables = environment() | {"LC_ALL": "C"}  # messages that can be told apart
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, env=variables, input=content, capture_output=True)
    except FileNotFoundError as error:
        if error.filename != "git":
            raise
        raise GitError("git is not installed, or not on PATH: install it") from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        if arguments == ANY_REPO:
            if "not a git repository" in reason:
                raise NoRepositoryError(f"git: {reason}; run this in the folder of the project")
            raise GitError(f"git: {reason}")
        run(*ANY_REPO, folder=folder)  # a folder that git refuses is the reason, whatever the command makes of it
        command = " ".join(arguments[2:4] if arguments[0] == "-c" else arguments[:2])
        if any(text in reason for text in FULL):
            raise ConfigError(
                f"git {command}: {reason.splitlines()[0][:200]}; free some space on the disk (`df` shows it), then run this again"
            )
        raise ConfigError(f"git {command}: {reason}")
    return done


def identity(folder: Path = Path()) -> tuple[str, ...]:
    """Return the options with which git commits as the user, or, if it does not know who that is, as the last commit's author."""
    with suppress(ConfigError):
        git("var", "GIT_COMMITTER_IDENT", folder=folder)
        return ()
    name, email = git("log", "-1", "--format=%an%n%ae", folder=folder).splitlines()
    return ("-c", f"user.name={name}", "-c", f"user.email={email}")


def has_origin() -> bool:
    """Whether there is a remote to push to."""
    return "origin" in git("remote").split()


def check_identity() -> None:
    """Raise ConfigError if git does not know who commits, before anything takes time."""
    for role in ("AUTHOR", "COMMITTER"):
        git("var", f"GIT_{role}_IDENT")
    os.environ.setdefault("GIT_TERMINAL_PROMPT", "0")  # nobody could type a password


def project_folder(folder: Path = Path()) -> Path:
    """Return where a project lies in its git repository: Path() if it is the whole of it, or in none."""
    try:
        return Path(git("rev-parse", "--show-prefix", folder=folder).removesuffix("\n"))
    except NoRepositoryError:
        return Path()


def unique_name(name: str, folder: Path = Path()) -> str:
    """Return a name of something that a repository has once: of a project in a subfolder with the folder before it, as in a-relock."""
    label = re.sub(r"[^A-Za-z0-9]+", "-", str(project_folder(folder))).strip("-")
    return f"{label}-{name}" if label else name


def changed_files(*arguments: str, folder: Path = Path()) -> list[str]:
    """Return the names of the project's files that `git diff` with these arguments finds, relative to it, without git's quoting."""
    # .gitmodules may ask git to be silent about submodules.
    options = ("--name-only", "--relative", "--no-renames", "--ignore-submodules=none", "-z")
    return git("diff", *options, *arguments, folder=folder).split("\0")[:-1]


class Change(NamedTuple):
    """A file that differs between two commits, with its modes in git's trees before and after; 000000 where there is none."""

    before: str
    after: str
    path: PurePosixPath
    """In the repository."""


def changes(revisions: str) -> list[Change]:
    """Return the files of the whole repository that differ between two revisions, such as `main...HEAD`."""
    options = ("--raw", "-z", "--no-renames", "--no-relative", "--ignore-submodules=none")
    raw = git("diff", *options, revisions).split("\0")  # by turns `:before after old new status` and the name
    modes = [about.lstrip(":").split()[:2] for about in raw[:-1:2]]
    return [Change(before, after, PurePosixPath(name)) for (before, after), name in zip(modes, raw[1::2], strict=True)]


def commit_of(revision: str, source: str = "--base", folder: Path = Path()) -> str:
    """Return the commit that a revision names.

    Raises UnknownRevisionError, which says that `source` names it, if there is none.
    """
    try:
        done = run("rev-parse", "--verify", "--end-of-options", revision + "^{commit}", folder=folder)
        commit, warning = done.stdout.decode().strip(), done.stderr.decode(errors="replace")
    except GitError:
        raise
    except ConfigError as error:
        commit, warning = "", str(error)
    if "is ambiguous" in warning:  # a tag or branch could be given the name of what it is compared with
        names = ", ".join(_refs_named(revision, folder)) or f"as in refs/remotes/{revision}"
        raise ConfigError(f"{source} {revision}: git knows several of this name; write out which one: {names}")
    if not commit:
        way = UNSHALLOW if is_shallow(folder) else "fetch it (`git fetch origin`) or name another, such as HEAD~1"
        raise UnknownRevisionError(f"{source} {revision}: git knows no such revision here; {way}")
    return commit


def is_shallow(folder: Path = Path()) -> bool:
    """Whether a clone lacks the commits before some."""
    return git("rev-parse", "--is-shallow-repository", folder=folder).strip() == "true"


def merge_base(first: str, second: str) -> str | None:
    """Return the commit where two parted, or None if they have none in common, or a shallow clone lacks it."""
    try:
        return git("merge-base", first, second).strip()
    except GitError:
        raise
    except ConfigError:
        return None


def _refs_named(revision: str, folder: Path) -> list[str]:
    """The tags and branches that have a name."""
    names = [f"refs/{kind}/{revision}" for kind in ("tags", "heads", "remotes")]
    return git("for-each-ref", "--format=%(refname)", *names, folder=folder).split()


def text_at(commit: str, path: Path, folder: Path = Path()) -> str | None:
    """Return a file's text at a commit, or None if it does not have it. The path is relative to the folder."""
    content = files_at(commit, str(path), folder=folder).get(str(path))
    return None if content is None else content.decode("utf-8", errors="replace")


def files_at(commit: str, *paths: str, folder: Path = Path()) -> dict[str, bytes]:
    """Return the files of a commit below some paths, which are relative to a folder: name → content."""
    listed = git("ls-tree", "-r", "-z", commit, "--", *paths, folder=folder)
    entries = [line.split("\t", 1) for line in listed.split("\0") if line]
    objects = {name: about.split()[2] for about, name in entries if about.split()[1] == "blob"}
    output = run("cat-file", "--batch", "--buffer", stdin="".join(f"{name}\n" for name in objects.values())).stdout
    files, start = {}, 0
    for name in objects:  # for each, `<object> blob <size>`, a line break, the content and a line break
        content = output.index(b"\n", start) + 1
        size = int(output[start:content].split()[2])
        files[name] = output[content : content + size]
        start = content + size + 1
    return files


def environment() -> dict[str, str]:
    """Return the environment for git and DVC, without what a git hook or a DVC stage sets for its own repo."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_DIR", "GIT_INDEX", "GIT_WORK", "DVC_ROOT", "PYTHONPATH"))
    }
    return variables | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
    }
