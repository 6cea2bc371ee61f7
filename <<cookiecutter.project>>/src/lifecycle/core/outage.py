"""Stores that are down, frozen or slow: how long a command waits for them."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from lifecycle.core import errors
from lifecycle.core.errors import ConfigError

T = TypeVar("T")

SECONDS, RETRIES = "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
STORE_SECONDS = "STORE_SECONDS"  # of one call of a store that is no MLflow: to list files, or to read a few megabytes
CALL_SECONDS = 60.0  # by default
MOST_SILENT_SECONDS = 20.0  # that boto3 waits for a connection or the next piece of an answer
MAX_TEXT = 300  # characters of an error


class OutageError(ConfigError):
    """A store does not answer, or only with errors of its own."""


def bound_mlflow() -> None:
    """Bound what MLflow's client waits for, unless the environment says otherwise; before MLflow is imported."""
    os.environ.setdefault(RETRIES, "1")
    os.environ.setdefault(SECONDS, "15")


def within(call: Callable[[], T], subject: str, more_seconds: float = 0.0) -> T:
    """Return what a call of a store returns, or raise OutageError if it takes longer or fails in a way of the store's own.

    An OSError other than a lost connection passes as it is: a file is missing, or may not be read.
    """
    seconds = call_seconds() + more_seconds
    try:
        return _waited(call, seconds, lambda: None, f"{subject}: no answer within {seconds:g} s ({STORE_SECONDS})")
    except (FileNotFoundError, PermissionError, ConfigError):
        raise
    except BaseException as error:
        text = " ".join(str(error).split())[:MAX_TEXT] or type(error).__name__
        raise OutageError(f"{subject}: {text}") from error


def while_growing(call: Callable[[], T], folder: Path, subject: str) -> T:
    """Return what a call returns or raises that fetches files into a folder.

    Raises OutageError if nothing has arrived for longer than the clients of stores try: theirs says better what is wrong.
    """
    seconds = max(call_seconds() + 3 * silent_seconds(), _mlflow_seconds() + silent_seconds())

    def size() -> int:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    return _waited(call, seconds, size, f"{subject}: nothing has arrived for {seconds:g} s")


def _waited(call: Callable[[], T], seconds: float, progress: Callable[[], Any], silence: str) -> T:
    """Return what a call returns or raises, or raise OutageError, as `silence` says it, if it makes no progress for so long.

    The call then goes on in a thread that does not keep the process from ending.
    """
    outcome = dict[str, Any]()

    def run() -> None:
        try:
            outcome["value"] = call()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    errors.store_calls.append(thread)
    before = None
    while thread.is_alive() and (before is None or progress() != before[0]):
        before = (progress(),)
        thread.join(seconds)
    if not outcome:
        raise OutageError(silence)
    errors.store_calls.remove(thread)
    if error := outcome.get("error"):
        raise error
    value: T = outcome["value"]
    return value


def call_seconds() -> float:
    """Return how long a call of a store may take. Raises ConfigError if the environment says it wrongly."""
    try:
        return float(os.environ.get(STORE_SECONDS) or CALL_SECONDS)
    except ValueError:
        raise ConfigError(f"{STORE_SECONDS}={os.environ[STORE_SECONDS]}: must be a number of seconds") from None


def silent_seconds() -> float:
    """Return how long a client of a store waits for a connection, or for the next piece of an answer."""
    return min(call_seconds(), MOST_SILENT_SECONDS)


def _mlflow_seconds() -> float:
    """How long MLflow's client tries, all its attempts together."""
    try:
        return float(os.environ.get(SECONDS, 0)) * (1 + int(os.environ.get(RETRIES, 0)))
    except ValueError:  # MLflow says so itself
        return 0.0
