"""Mistakes a person can mend: one line on stderr and an exit code, instead of a traceback."""

import sys
from typing import NoReturn


class ProjectError(Exception):
    """What is wrong, where, and what to do about it, in one line."""

    exit_code: int


class DataError(ProjectError):
    """The data says no."""

    exit_code = 1


class RefusedError(ProjectError):
    """The rules say no."""

    exit_code = 1


class ConfigError(ProjectError):
    """The question was wrong: a file, a parameter or an address."""

    exit_code = 2


def exit_with(error: ProjectError) -> NoReturn:
    """Print the error as one line to stderr and leave with its exit code."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(error.exit_code)
