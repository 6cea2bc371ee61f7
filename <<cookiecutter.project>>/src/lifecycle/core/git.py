"""git, run as a command, without the settings that a hook or a DVC stage has for its own repo."""

import os
import subprocess
import sys
from pathlib import Path

from lifecycle.core.errors import ConfigError

NO_HOOKS = ("-c", "core.hooksPath=/dev/null")  # the user's hooks are meant for the user's checkout


def git(*arguments: str, folder: Path = Path()) -> str:
    """Run git in a folder and return its output. Raises ConfigError with its error message."""
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"git {' '.join(arguments[:2])}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout


def identity(folder: Path = Path()) -> tuple[str, ...]:
    """Return the options with which git commits as the user, or, if it does not know who that is, as the last commit's author."""
    known = subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], cwd=folder, env=environment(), capture_output=True)
    if known.returncode == 0:
        return ()
    name, email = git("log", "-1", "--format=%an%n%ae", folder=folder).splitlines()
    return ("-c", f"user.name={name}", "-c", f"user.email={email}")


def changed_files(*arguments: str, folder: Path = Path()) -> list[str]:
    """Return the names of the files that `git diff` with these arguments finds, without git's quoting."""
    return git("diff", "--name-only", "-z", *arguments, folder=folder).split("\0")[:-1]


def commit_of(revision: str, source: str = "--base", folder: Path = Path()) -> str:
    """Return the commit that a revision names. Raises ConfigError, which says that `source` names it, if there is none."""
    command = ["git", "rev-parse", "--verify", "--end-of-options", revision + "^{commit}"]
    done = subprocess.run(command, cwd=folder, env=environment() | {"LC_ALL": "C"}, capture_output=True, text=True)
    if "is ambiguous" in done.stderr:  # a tag or branch could be given the name of what it is compared with
        raise ConfigError(
            f"{source} {revision}: git knows several of this name; write it out, as in refs/remotes/{revision}"
        )
    if done.returncode:
        raise ConfigError(
            f"{source} {revision}: git knows no such revision here; fetch it (`git fetch origin`) or name another, such as HEAD~1"
        )
    return done.stdout.strip()


def text_at(commit: str, path: Path) -> str | None:
    """Return a file's text at a commit, or None if that commit does not have it."""
    done = subprocess.run(["git", "show", f"{commit}:./{path}"], env=environment(), capture_output=True)
    return None if done.returncode else done.stdout.decode("utf-8", errors="replace")


def files_at(commit: str, *paths: str) -> dict[str, bytes]:
    """Return the files of a commit below some paths: name → content."""
    entries = [line.split("\t", 1) for line in git("ls-tree", "-r", "-z", commit, "--", *paths).split("\0") if line]
    objects = {name: about.split()[2] for about, name in entries if about.split()[1] == "blob"}
    command = ["git", "cat-file", "--batch", "--buffer"]
    listed = "".join(f"{name}\n" for name in objects.values()).encode()
    output = subprocess.run(command, env=environment(), input=listed, capture_output=True, check=True).stdout
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
