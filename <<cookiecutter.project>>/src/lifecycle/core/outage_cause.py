"""Why a store has not answered, in a few words, from what MLflow's client or a client of the store has raised."""

import json
import os
import re

from lifecycle.core.outage import MAX_TEXT, SECONDS, STORE_SECONDS, silent_seconds

HEALTH_SECONDS, ASK_SECONDS = 3.0, 10
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
    address_in_text = re.search(r"with url: (/[^\s(]*)", text)
    path = address_in_text[1] if address_in_text else ""
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
