"""Run a server: one HTTP process that listens on one port."""

import ipaddress
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING

from lifecycle.core import config, contract
from lifecycle.core.errors import ConfigError, ProjectError, leave
from lifecycle.serving import server_log, settings, tracing
from lifecycle.serving.tokens import EVERYTHING, Tokens

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from lifecycle.serving.drain_state import DrainState
    from lifecycle.serving.registry_watcher import RegistryWatcher


def serve(host: str, port: int, alias: str, wait: float) -> None:
    """Serve the version that has an alias until stopped; after `wait` seconds the port opens even if there is none to serve.

    Raises ConfigError if the port is taken, or the server could be reached from other machines without a token.
    """
    server = settings.load().server
    server_log.configure(server.log_format)
    try:
        _serve(server, host, port, alias, wait)
    except ProjectError as error:
        if server.log_format == "text":
            raise
        server_log.report("failed", str(error), logging.CRITICAL)
        leave(error.exit_code)


def _serve(server: settings.Server, host: str, port: int, alias: str, wait: float) -> None:
    tokens = Tokens()
    if not tokens and not _is_loopback(host):
        raise ConfigError(
            f"--host {host} can be reached from other machines, which needs a token: set {EVERYTHING}, "
            "or listen on 127.0.0.1"
        )
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn shuts down, then raises the signal once more
        signal.signal(number, lambda *_: leave(0))
    with _bound(host, port) as port_socket:
        # A registry that does not answer must not delay what is served for long.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
        os.environ.setdefault("STORE_SECONDS", "10")
        from lifecycle.serving.drain_state import DrainState
        from lifecycle.serving.graceful_server import GracefulServer

        drain = DrainState()
        watcher = _watcher(server, alias)
        app = _app(server, watcher, tokens, drain)
        port = port_socket.getsockname()[1]
        message = f"port {port} opens once the version in {alias} is loaded"
        server_log.report("starting", message, port=port, role=alias)
        try:
            GracefulServer(_options(app, watcher, server), watcher, drain, wait).run([port_socket])
        finally:
            if spans := watcher.router.recorder.tracing:
                spans.stop()


def _watcher(server: settings.Server, alias: str) -> "RegistryWatcher":
    from lifecycle.prediction_log.private_columns import redaction
    from lifecycle.prediction_log.writer import Log
    from lifecycle.serving.answer_recorder import AnswerRecorder
    from lifecycle.serving.model_source import ModelSource
    from lifecycle.serving.prometheus_metrics import ServerMetrics
    from lifecycle.serving.registry_watcher import RegistryWatcher
    from lifecycle.serving.router import Router

    params = config.load()
    schema = contract.load(config.CONTRACT, params.package)
    private, spans = redaction(config.CONTRACT, params.data.target), tracing.start(params.track.model)
    recorder = AnswerRecorder(alias, Log(server.log), ServerMetrics(), private, spans)
    router = Router(recorder, server.timeout_seconds)
    columns = set(schema.columns) - {params.data.target}
    return RegistryWatcher(params, server, alias, router, columns, ModelSource(params, server.cache, alias))


def _app(server: settings.Server, watcher: "RegistryWatcher", tokens: Tokens, drain: "DrainState") -> "FastAPI":
    from lifecycle.core.row_model import record_model, value_type
    from lifecycle.serving.app import make_app

    schema = contract.load(config.CONTRACT, watcher.params.package)
    label = value_type(schema.columns[watcher.params.data.target])
    return make_app(watcher.params, server, record_model(schema, watcher.params), label, watcher, tokens, drain)


def _options(app: "FastAPI", watcher: "RegistryWatcher", server: settings.Server) -> "uvicorn.Config":
    import uvicorn
    from uvicorn.config import LOGGING_CONFIG

    from lifecycle.serving.connections import Connections, most_connections
    from lifecycle.serving.http_protocol import BoundedHttpProtocol

    BoundedHttpProtocol.max_body_bytes = int(server.max_megabytes * 1e6)
    BoundedHttpProtocol.open_connections = Connections(most_connections(), watcher.router.recorder.metrics)
    return uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        lifespan="off",
        access_log=False,  # middleware.py has one
        log_config=LOGGING_CONFIG if server.log_format == "text" else None,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,  # longer than a proxy's, usually 60: else the proxy sends into closed connections
        timeout_graceful_shutdown=20,
        ws="none",
        proxy_headers=False,
    )


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
