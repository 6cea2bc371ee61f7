"""The Grafana dashboard's queries, asked of a real Prometheus that scrapes a server under load: each has an answer that can be drawn."""

import json
import math
import os
import re
import shutil
import signal
import socket
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from served import Served
from servers import free_port, running
from serving import Server, load, until

PROMETHEUS = shutil.which("prometheus")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("serving"),
    pytest.mark.skipif(not PROMETHEUS, reason="prometheus is not installed: Debian's package of that name has it"),
]
VARIABLES = {"$instance": ".*", "$__rate_interval": "10s"}


def queries(board: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the panel, query and legend of each series of a dashboard."""
    return [
        (panel["title"], target["expr"], target.get("legendFormat", ""))
        for panel in board["panels"]
        for target in panel["targets"]
    ]


def ask(address: str, path: str, **parameters: str) -> Any:
    """Return the data of an answer of Prometheus. Fails the test if it refuses the query."""
    url = f"{address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)["data"]


def series(address: str, expression: str) -> list[dict[str, Any]]:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return ask(address, "query", query=expression)["result"]


def without_answer(address: str, board: dict[str, Any]) -> list[str]:
    """The queries that have no number to draw."""
    return [
        f"{title}: {expression}"
        for title, expression, _ in queries(board)
        if not any(math.isfinite(float(item["value"][1])) for item in series(address, expression))
    ]


def provoke(served: Served, server: Server) -> None:
    """Have something to show in each panel: a canary that fails, a shadow, refused rows, a lost process and a closed connection."""
    served.mood.write_text("if (frame['tenure'] == 77).any(): raise ValueError")
    served.move("canary", 3, 50)
    served.move("shadow", 2)
    until(lambda: server.versions() == {"production": 1, "canary": 3, "shadow": 2}, "all of them", server)
    server.ask("/predict", served.rows[0] | {"tenure": "x"})
    failing = [server.ask("/predict", row | {"tenure": 77}).status for row in served.rows[:20]]
    assert failing == [200] * 20, "production answers for the canary"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000)
        assert b" 431 " in connection.recv(1000), "its head is too long"
    for pid in server.processes()[2:]:  # after the server and what forks them
        os.kill(pid, signal.SIGKILL)


def test_every_series_of_the_dashboard_has_an_answer_and_the_labels_of_its_legend(
    served: Served, server: Server, tmp_path: Path
) -> None:
    assert PROMETHEUS
    board = json.loads(served.project.text("prometheus/dashboard.json"))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    targets = {"job_name": "servers", "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}]}
    (tmp_path / "prometheus.yml").write_text(
        yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [targets]})
    )
    command = [
        PROMETHEUS,
        "--config.file=prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    try:
        with running(command, tmp_path, f"{address}/-/ready"):
            provoke(served, server)
            with load(server, served.rows, 1):
                deadline = time.monotonic() + 40
                while (silent := without_answer(address, board)) and time.monotonic() < deadline:
                    time.sleep(0.5)
                assert not silent, "\n".join(silent)
            instances = ask(address, "label/instance/values", **{"match[]": "serving_model_version"})
            for title, expression, legend in queries(board):
                labels = set(re.findall(r"{{\s*(\w+)\s*}}", legend))
                for item in series(address, expression):
                    assert labels <= item["metric"].keys(), (title, expression, legend)
            (annotation,) = board["annotations"]["list"]
            series(address, annotation["expr"])
    finally:
        served.mood.write_text("")
        for alias in ("canary", "shadow"):
            served.move(alias, 0)

    assert instances == [f"127.0.0.1:{server.port}"]
