"""What a server prints, in a form for programs and on a disk that is full."""

import json
import resource
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import clean_environment
from served import Served
from servers import free_port
from serving import Client, Server, raw, serving, unique, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]


@pytest.fixture(scope="module")
def json_server(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that prints JSON, and a line for each response."""
    served.move("production", 1)
    served.project.replace("serving.yaml", "access_log: false", "access_log: true")
    try:
        with serving(served.project, tmp_path_factory.mktemp("log"), SERVING_LOG_FORMAT="json") as server:
            yield server
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 0
            server.reading.join(10)
            assert events(server)[-1]["event"] == "stopping"
    finally:
        served.project.replace("serving.yaml", "access_log: true", "access_log: false")


def events(server: Server, *names: str, since: int = 0) -> list[dict[str, Any]]:
    """Return what a server has printed; each line has to be an object with a time, a level and an event."""
    lines = [json.loads(line) for line in server.printed[since:]]
    for line in lines:
        assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)
        assert line["level"] in ("info", "warning", "error")
        assert line["message"]
    return [line for line in lines if not names or line["event"] in names]


def test_what_a_server_does_is_an_event_each(json_server: Server) -> None:
    starting, changed, listening = events(json_server, "starting", "roles_changed", "listening")

    assert starting["role"] == "production"
    assert changed["versions"] == {"production": 1}
    assert listening["port"] == json_server.port


def test_a_response_is_a_line_with_its_request_id_and_health_checks_are_none(
    served: Served, json_server: Server
) -> None:
    ids = [unique(), unique()]

    json_server.ask("/health/ready")
    json_server.ask("/predict", served.rows[0], X_Request_ID=ids[0])
    json_server.ask(f"/customers/{ids[1]}", X_Request_ID=ids[1])
    until(lambda: len(events(json_server, "request")) >= 2, "lines", json_server)

    good, bad = events(json_server, "request")
    expected = {"request_id": ids[0], "method": "POST", "route": "/predict", "status": 200, "level": "info"}
    assert {name: good[name] for name in expected} == expected
    assert 0 < good["milliseconds"] < 5000
    assert (bad["request_id"], bad["route"], bad["status"]) == (ids[1], "other", 404)
    assert "customers" not in "".join(json_server.printed)


def test_lines_of_uvicorn_have_the_same_form(json_server: Server) -> None:
    raw(json_server, "this is not HTTP")

    until(lambda: events(json_server, "uvicorn.error"), "a line", json_server)
    (line,) = events(json_server, "uvicorn.error")
    assert (line["level"], line["message"]) == ("warning", "Invalid HTTP request received.")


def test_a_full_disk_is_said_once_and_counted_for_each_request(served: Served, json_server: Server) -> None:
    """Its files may not grow any more: the operating system refuses as it does on a full disk."""
    limits, pid = resource.prlimit(json_server.process.pid, resource.RLIMIT_FSIZE), json_server.process.pid
    assert json_server.ask("/predict", served.rows[0]).status == 200
    size = min(path.stat().st_size for path in json_server.log.rglob("*.jsonl"))
    try:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, limits[1]))
        refused = [json_server.ask("/predict", served.rows[0]).status for _ in range(20)]
        failures = json_server.metric("log_failures_total")
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    answered = [json_server.ask("/predict", served.rows[0]).status for _ in range(3)]

    assert (refused, answered, failures) == ([503] * 20, [200] * 3, 20)
    until(lambda: events(json_server, "log_not_written_over"), "the end of it", json_server)
    failed, over = events(json_server, "log_not_written", "log_not_written_over")
    assert failed["level"] == "error"
    assert f"the prediction log in {json_server.log} cannot be written: [Errno 27] File too large" in failed["message"]
    assert over["level"] == "info"


def test_a_mistake_in_starting_it_is_a_line_of_the_same_form(served: Served) -> None:
    done = served.project.run("telco-churn serve --host 0.0.0.0", check=False, SERVING_LOG_FORMAT="json")

    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert (json.loads(line)["event"], json.loads(line)["level"]) == ("failed", "critical")
    assert "SERVING_TOKEN" in json.loads(line)["message"]


def test_a_server_whose_own_output_is_on_a_full_disk_goes_on_and_follows_the_registry(
    served: Served, tmp_path: Path
) -> None:
    served.move("production", 1)
    port = free_port()
    with open("/dev/full", "w") as full:
        process = subprocess.Popen(
            [str(served.project.path / ".venv/bin/telco-churn"), "serve", "--port", str(port)],
            cwd=served.project.path,
            env=clean_environment() | {"PYTHONPATH": "src", "SERVING_LOG": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=full,
            start_new_session=True,
        )
    try:
        until(lambda: production(port) == 1 or process.poll() is not None, "version 1")
        served.move("production", 2)
        until(lambda: production(port) == 2 or process.poll() is not None, "version 2")
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(20)


def production(port: int) -> int | None:
    """The version that a server answers with; None if it does not answer yet."""
    client = Client(port)
    try:
        return client.ask("/model").body["versions"]["production"]
    except OSError:
        return None
    finally:
        client.connection.close()
