"""Errors that a user can fix: one line on stderr and an exit code, instead of a traceback."""

import difflib
import errno
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

DEBUG = "LIFECYCLE_DEBUG"  # an environment variable: if it is set, the traceback is printed before the line
LIFECYCLE = Path(__file__).resolve().parents[1]
REFUSALS = {
    errno.ENOSPC: "free some space on the disk",
    errno.EDQUOT: "free some space on the disk",
    errno.EFBIG: "allow larger files (ulimit -f)",
    errno.EROFS: "make the place writable, or name another",
    errno.EACCES: "get the permission, or name another place",
    errno.EPERM: "get the permission, or name another place",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENOTDIR: "name another place",
    errno.EISDIR: "name another place",
    errno.EEXIST: "name another place",
    errno.ENAMETOOLONG: "name another place",
}

store_calls: list[threading.Thread] = []
"""Calls of stores that have not returned."""


class ProjectError(Exception):
    """What is wrong, where, and what to do about it, in one line."""

    exit_code: int


class DataError(ProjectError):
    """Data validation failed."""

    exit_code = 1


class RefusedError(ProjectError):
    """Refused by policy."""

    exit_code = 1


class ConfigError(ProjectError):
    """A usage, configuration or environment error."""

    exit_code = 2


def of_environment(error: OSError) -> ConfigError | None:
    """Return what the machine refuses in one line, or None if it is not the machine's fault."""
    if error.errno not in REFUSALS:
        return None
    place = f"{error.filename}: " if error.filename else ""
    return ConfigError(f"{place}{error.strerror}: {REFUSALS[error.errno]}, then run this again")


def of_users_code(error: BaseException) -> ConfigError | None:
    """Return what has failed in the user's package in one line, with its place there, or None if it is not on the way to the error."""
    place = place_in_users_code(error)
    return ConfigError(f"{place}: {_reason(error)}") if place else None


def place_in_users_code(error: BaseException) -> str | None:
    """Return the file, line and function of the user's package that an error comes from, or None if it does not come from there."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename).resolve()
        if path.is_relative_to(LIFECYCLE.parent) and not path.is_relative_to(LIFECYCLE):
            return f"src/{path.relative_to(LIFECYCLE.parent)}, line {frame.lineno}, in {frame.name}"
    return None


@contextmanager
def concerning(subject: str) -> Iterator[None]:
    """Say what of the user's a library was working on if it fails in the block, with its own reason.

    Raises ConfigError for the user's code, DataError for anything else; a ProjectError and an OSError pass as they are.
    """
    try:
        yield
    except (ProjectError, OSError):
        raise
    except Exception as error:
        raise (of_users_code(error) or DataError(f"{subject}: {_reason(error)}")) from error


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]} ({DEBUG}=1 shows the traceback)"


@contextmanager
def one_line() -> Iterator[None]:
    """End the process with one line and an exit code if the block fails because of what the user or the machine can mend."""
    try:
        yield
    except ProjectError as error:
        exit_with(error)
    except Exception as error:
        refusal = of_environment(error) if isinstance(error, OSError) else None
        if cause := refusal or of_users_code(error):
            exit_with(cause)
        raise


def exit_with(error: ProjectError) -> NoReturn:
    """Print the error as one line to stderr and leave with its exit code."""
    if os.environ.get(DEBUG):
        traceback.print_exc()
    from lifecycle.core.home import MODELS, NAME  # not before the command line has gone to the folder of a model

    model = f"{MODELS}/{NAME}: " if NAME else ""
    print(f"error: {model}{' '.join(str(error).split())}", file=sys.stderr)
    leave(error.exit_code)


def leave(code: int) -> NoReturn:
    """End the process, also if a library still waits for a store that does not answer: Python would wait for the library's threads."""
    if any(thread.is_alive() for thread in store_calls):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a hint at the most similar of some names, to be put behind a message, or nothing if none is similar."""
    similar = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {similar[0]}?)" if similar else ""
