"""What is said of an MLflow that is down, frozen or in trouble, by its real client; and how long anything is waited for."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.outage import OutageError, while_growing, within
from lifecycle.core.tracking import store

DATABASE = "(psycopg.OperationalError) connection to server failed: Connection refused (Background on this error at: x)"


class Server(ThreadingHTTPServer):
    """An MLflow that answers /health, and everything else as it is told: a status and a body, or None for never."""

    daemon_threads = True
    answer: tuple[int, str] | None = None
    healthy = True


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        status, body = (200, "OK") if self.path == "/health" and self.server.healthy else self.answer()
        with suppress(BrokenPipeError):  # who asked has given up
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

    def answer(self) -> tuple[int, str]:
        if self.server.answer is None:
            time.sleep(4)
        return self.server.answer or (500, "")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{running.server_port}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        yield running
        running.shutdown()


def asked(params: Params) -> ConfigError:
    """What is raised when a version is looked up."""
    with pytest.raises(ConfigError) as error, store(params, "nothing was done") as client:
        client.get_registered_model("m")
    return error.value


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((503, json.dumps({"message": DATABASE})), f"it answers 503: {DATABASE.partition(' (Back')[0]}"),
        ((500, "<html>"), "it answers 500: its database fails, and its own log says why"),
        (
            None,
            "it has not answered within 1 s (MLFLOW_HTTP_REQUEST_TIMEOUT), though it is up: its database hangs or is slow",
        ),
    ],
)
def test_an_error_of_the_servers_own_is_named(
    params: Params, server: Server, answer: tuple[int, str] | None, reason: str
) -> None:
    server.answer = answer

    error = asked(params)

    assert isinstance(error, OutageError)
    assert str(error).endswith(f" failed: {reason}; nothing was done")


def test_a_server_that_is_frozen_as_a_whole_is_not_called_up(params: Params, server: Server) -> None:
    server.healthy = False

    assert str(asked(params)).endswith("within 1 s (MLFLOW_HTTP_REQUEST_TIMEOUT); nothing was done")


def test_a_refusal_is_no_outage_and_is_said_in_the_servers_words(params: Params, server: Server) -> None:
    server.answer = 403, json.dumps({"error_code": "PERMISSION_DENIED", "message": "not yours"})

    error = asked(params)

    assert not isinstance(error, OutageError)
    assert "not yours" in str(error)


@pytest.mark.parametrize(
    ("address", "reason"),
    [("http://127.0.0.1:9", "connection refused"), ("http://nobody.invalid", "its name is not known")],
)
def test_nobody_there(params: Params, monkeypatch: pytest.MonkeyPatch, address: str, reason: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    error = asked(params)

    assert isinstance(error, OutageError)
    assert str(error) == f"MLflow at {address} failed: it does not answer: {reason}; nothing was done"


def test_a_call_is_waited_for_no_longer_than_it_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SECONDS", "0.2")
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_connection(silent.getsockname()) as connection:
        started = time.monotonic()
        with pytest.raises(OutageError, match=r"^the store: no answer within 0.2 s \(STORE_SECONDS\)$"):
            within(lambda: connection.recv(1), "the store")
        assert time.monotonic() - started < 5


def test_what_a_call_returns_or_raises_is_passed_on() -> None:
    def raise_(error: Exception) -> None:
        raise error

    assert within(lambda: 7, "the store") == 7
    with pytest.raises(FileNotFoundError):
        within(lambda: raise_(FileNotFoundError("gone")), "the store")
    with pytest.raises(OutageError, match=r"^the store: no credentials$"):
        within(lambda: raise_(RuntimeError("no\ncredentials")), "the store")


def test_a_bound_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SECONDS", "long")

    with pytest.raises(ConfigError, match="STORE_SECONDS=long: must be a number of seconds"):
        within(lambda: 7, "the store")


def test_a_slow_download_is_waited_for_and_one_that_stands_still_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STORE_SECONDS", "0.1")

    def fetch(pieces: int, pause: float) -> str:
        for number in range(pieces):
            time.sleep(pause)
            (tmp_path / str(number)).write_bytes(b"x" * 10)
        return "fetched"

    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.delenv(name, raising=False)
    assert while_growing(lambda: fetch(6, 0.15), tmp_path, "the store") == "fetched"
    with pytest.raises(OutageError, match=r"^the store: nothing has arrived for 0\.4 s$"):
        while_growing(lambda: fetch(1, 2), tmp_path, "the store")
    with pytest.raises(ZeroDivisionError):
        while_growing(lambda: str(1 / 0), tmp_path, "the store")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "0.3")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with pytest.raises(
        OutageError, match=r"^the store: nothing has arrived for 0\.7 s$"
    ):  # its own client has to end first
        while_growing(lambda: fetch(1, 2), tmp_path, "the store")


HUNG = """
import time
from concurrent.futures import ThreadPoolExecutor
from lifecycle.core.errors import one_line
from lifecycle.core.outage import within
pool = ThreadPoolExecutor()
with one_line():
    within(lambda: list(pool.map(time.sleep, [30, 30])), "the store")
"""


def test_a_command_that_gives_a_store_up_ends_though_a_library_still_waits_for_it() -> None:
    """Python waits for the threads of a pool, which MLflow has one of."""
    started = time.monotonic()

    done = subprocess.run(
        [sys.executable, "-c", HUNG],
        env={"PYTHONPATH": "src", "STORE_SECONDS": "0.2"},
        capture_output=True,
        text=True,
        timeout=40,
    )

    assert time.monotonic() - started < 20
    assert (done.returncode, done.stderr) == (2, "error: the store: no answer within 0.2 s (STORE_SECONDS)\n")
