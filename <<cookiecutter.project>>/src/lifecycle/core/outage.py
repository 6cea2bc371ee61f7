"""Stores that are down, frozen or slow: how long a command waits for them, and what is wrong with them, in a line."""

import json
import os
import re
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
HEALTH_SECONDS, ASK_SECONDS = 3.0, 10
MAX_TEXT = 300  # characters
NO_ANSWER = (
    "Max retries exceeded",
    "timed out",
    "Connection aborted",
    "Connection broken",
    "Could not connect to the endpoint URL",
)
STORE_SILENT = r"(Read|Connect) timeout on endpoint URL|AWSHTTPSConnectionPool.*timed out"  # as botocore says it
REFUSALS = {
    r"Connection refused": "connection refused",
    r"Name or service not known|name resolution|NameResolutionError|nodename nor servname": "its name is not known",
    r"No route to host|unreachable": "there is no route to it",
    r"SSLError|CERTIFICATE": "its certificate is not accepted",
    r"Connection reset|Connection aborted|Connection broken": "the connection was cut",
}


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


def cause(error: BaseException, address: str) -> str | None:
    """Return why MLflow has not answered a request, or None if it has: then the error's own text says what is wrong.

    Args:
        error: what MLflow's client has raised.
        address: of the server.
    """
    text = " ".join(_texts(error))
    if re.search(STORE_SILENT, text):
        return f"it has not answered within {silent_seconds():g} s ({STORE_SECONDS})"
    if not any(sign in text for sign in NO_ANSWER):
        return None
    asked = re.search(r"with url: (/[^\s(]*)", text)
    path = asked[1] if asked else ""
    if status := re.search(r"too many (\d+) error responses", text):
        return _answer(address, path, status[1])
    for pattern, meaning in REFUSALS.items():
        if re.search(pattern, text):
            return f"it does not answer: {meaning}"
    if "timed out" not in text:
        return "it does not answer"
    silence = f"it has not answered within {os.environ.get(SECONDS, '?')} s ({SECONDS})"
    return f"{silence}, though it is up: {_behind(path)} hangs or is slow" if _is_up(address) else silence


def _texts(error: BaseException | None) -> list[str]:
    """The texts of an error and of all that led to it."""
    texts: list[str] = []
    while error is not None and len(texts) < 10:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return texts


def _behind(path: str) -> str:
    return "its artifact store" if "/mlflow-artifacts/" in path else "its database"


def _answer(address: str, path: str, status: str) -> str:
    """What the server says once more, for the client has thrown it away."""
    body = _ask(address, path) or _ask(address, "/api/2.0/mlflow/experiments/search?max_results=1")
    try:
        message = " ".join(str(json.loads(body)["message"]).partition("(Background on")[0].split())
    except (ValueError, KeyError, TypeError):
        message = ""
    if message:
        return f"it answers {status}: {message[:MAX_TEXT]}"
    return f"it answers {status}: {_behind(path)} fails, and its own log says why"


def _ask(address: str, path: str) -> str:
    """The body of an error response to a request that changes nothing, or nothing."""
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    try:
        answer = http_request(
            get_default_host_creds(address),
            path,
            "GET",
            timeout=ASK_SECONDS,
            max_retries=0,
            retry_codes=(),
            raise_on_status=False,
            stream=True,
        )
        return answer.text if answer.status_code >= 500 else ""
    except Exception:  # whatever it is, the error that is being explained is the one to report
        return ""


def _is_up(address: str) -> bool:
    import requests

    try:
        return bool(requests.get(f"{address.rstrip('/')}/health", timeout=HEALTH_SECONDS).ok)
    except requests.RequestException:
        return False
