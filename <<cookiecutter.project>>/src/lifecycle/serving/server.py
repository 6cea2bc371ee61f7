"""Run a server: one HTTP process that listens on one port."""

import ipaddress
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from lifecycle.core import config, contract
from lifecycle.core.errors import ConfigError
from lifecycle.serving import settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from lifecycle.serving.registry_watcher import RegistryWatcher
    from lifecycle.serving.traffic import Traffic


def serve(host: str, port: int, alias: str) -> None:
    """Serve the version that has an alias until stopped.

    Raises ConfigError if the port is taken, or the server could be reached from other machines without a token.
    """
    token = settings.token()
    if not token and not _is_loopback(host):
        raise ConfigError(
            f"--host {host} can be reached from other machines, which needs a token: set {settings.TOKEN}, "
            "or listen on 127.0.0.1"
        )
    with _bound(host, port) as port_socket:
        # A registry that does not answer must not delay what is served for long.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
        number = port_socket.getsockname()[1]
        print(f"serve: port {number} opens once the version in {alias} is loaded", file=sys.stderr, flush=True)
        server = settings.load().server
        from lifecycle.serving.traffic import Traffic

        traffic = Traffic()
        watcher = _watcher(server, alias)
        _run(_app(server, watcher, token, traffic), watcher, traffic, port_socket, int(server.max_megabytes * 1e6))


def _watcher(server: settings.Server, alias: str) -> "RegistryWatcher":
    from lifecycle.prediction_log.writer import Log
    from lifecycle.serving.answer_recorder import AnswerRecorder
    from lifecycle.serving.model_source import ModelSource
    from lifecycle.serving.prometheus_metrics import ServerMetrics
    from lifecycle.serving.registry_watcher import RegistryWatcher
    from lifecycle.serving.router import Router

    params = config.load()
    schema = contract.load(config.CONTRACT, params.package)
    router = Router(AnswerRecorder(alias, Log(server.log), ServerMetrics()), server.timeout_seconds)
    columns = set(schema.columns) - {params.data.target}
    return RegistryWatcher(params, server, alias, router, columns, ModelSource(params, server.cache, alias))


def _app(server: settings.Server, watcher: "RegistryWatcher", token: str | None, traffic: "Traffic") -> "FastAPI":
    from lifecycle.core.row_model import record_model, value_type
    from lifecycle.serving.app import make_app

    schema = contract.load(config.CONTRACT, watcher.params.package)
    label = value_type(schema.columns[watcher.params.data.target])
    return make_app(watcher.params, server, record_model(schema, watcher.params), label, watcher, token, traffic)


def _run(
    app: "FastAPI", watcher: "RegistryWatcher", traffic: "Traffic", port_socket: socket.socket, max_body_bytes: int
) -> None:
    import uvicorn

    from lifecycle.serving.connections import Connections, most_connections
    from lifecycle.serving.graceful_server import GracefulServer
    from lifecycle.serving.http_protocol import BoundedHttpProtocol

    BoundedHttpProtocol.max_body_bytes = max_body_bytes
    BoundedHttpProtocol.open_connections = Connections(most_connections(), watcher.router.recorder.metrics)
    options = uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,  # longer than a proxy's, usually 60: else the proxy sends into closed connections
        timeout_graceful_shutdown=20,
        ws="none",
        proxy_headers=False,
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn shuts down, then raises the signal once more
        signal.signal(number, lambda *_: sys.exit(0))
    GracefulServer(options, watcher, traffic).run([port_socket])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that has the port and does not listen yet."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as create_server does, which would listen
        if ":" in host:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
        return bound
    except (OSError, OverflowError) as error:
        bound.close()
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"cannot listen on {host}:{port}: {reason}") from None
