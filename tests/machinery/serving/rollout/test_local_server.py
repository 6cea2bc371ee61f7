"""Servers that deploy starts on this machine are the only ones that it stops."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lifecycle.serving.client import Client, ServerError, UnreachableError
from lifecycle.serving.rollout.local_server import LocalServer, local_server


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield started
    started.kill()
    started.wait()


def server(folder: Path, pid: int | None) -> LocalServer:
    found = local_server("staging", Client("http://127.0.0.1:9"), folder)
    assert found
    if pid:
        found.pid_file.write_text(str(pid))
    return found


def reports(monkeypatch: pytest.MonkeyPatch, pid: int | None) -> None:
    """Let the server report this process, or not answer."""

    def status(client: Client) -> dict[str, Any]:
        if pid is None:
            raise UnreachableError(f"{client.url} does not answer: refused")
        return {"pid": pid}

    monkeypatch.setattr(Client, "status", status)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://127.0.0.1:8001", 8001),
        ("http://localhost", 80),
        ("http://[::1]:9", 9),
        ("http://example.com:8001", None),
        ("http://10.0.0.1:8001", None),
    ],
)
def test_only_addresses_on_this_machine_have_a_local_server(url: str, port: int | None, tmp_path: Path) -> None:
    found = local_server("staging", Client(url), tmp_path)

    assert (found.port if found else None) == port


def test_a_server_that_deploy_has_started_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: subprocess.Popen[bytes]
) -> None:
    started = server(tmp_path, process.pid)
    reports(monkeypatch, process.pid)

    assert started.stop()
    assert process.wait(10)
    assert not started.pid_file.exists()


def test_a_server_that_somebody_else_has_started_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports(monkeypatch, os.getpid())

    assert not server(tmp_path, None).stop()


def test_another_process_with_the_number_of_one_that_has_ended_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: subprocess.Popen[bytes]
) -> None:
    started = server(tmp_path, process.pid)
    reports(monkeypatch, os.getpid())

    assert not started.stop()
    assert process.poll() is None
    assert not started.pid_file.exists()


def test_a_server_that_has_ended_by_itself_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: subprocess.Popen[bytes]
) -> None:
    process.kill()
    process.wait()
    started = server(tmp_path, process.pid)
    reports(monkeypatch, None)

    assert not started.stop()
    assert not started.pid_file.exists()


def test_a_process_that_does_not_answer_is_named_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: subprocess.Popen[bytes]
) -> None:
    started = server(tmp_path, process.pid)
    reports(monkeypatch, None)

    with pytest.raises(ServerError, match=f"if process {process.pid} is the server of staging, stop it by hand"):
        started.stop()

    assert process.poll() is None
    assert started.pid_file.exists()
