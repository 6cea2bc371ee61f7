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

MAX_CONNECTIONS = 1000


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
    listening = _listen(host, port)
    # A registry that does not answer must not delay what is served for long.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    server = settings.load().server
    app = _build_app(server, alias, token)
    print(f"serve: listening on http://{host}:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    _run(app, listening, int(server.max_megabytes * 1e6))


def _build_app(server: settings.Server, alias: str, token: str | None) -> "FastAPI":
    from lifecycle.core.row_model import record_model, value_type
    from lifecycle.prediction_log.private_columns import redaction
    from lifecycle.prediction_log.writer import Log
    from lifecycle.serving.answer_recorder import AnswerRecorder
    from lifecycle.serving.app import make_app
    from lifecycle.serving.model_source import ModelSource
    from lifecycle.serving.prometheus_metrics import ServerMetrics
    from lifecycle.serving.registry_watcher import RegistryWatcher
    from lifecycle.serving.router import Router

    params = config.load()
    schema = contract.load(config.CONTRACT, params.package)
    recorder = AnswerRecorder(alias, Log(server.log), ServerMetrics(), redaction(config.CONTRACT, params.data.target))
    router = Router(recorder, server.timeout_seconds)
    columns = set(schema.columns) - {params.data.target}
    source = ModelSource(params, server.cache, alias)
    watcher = RegistryWatcher(params, server, alias, router, columns, source)
    label = value_type(schema.columns[params.data.target])
    return make_app(params, server, record_model(schema, params), label, watcher, token)


def _run(app: "FastAPI", listening: socket.socket, max_body_bytes: int) -> None:
    import uvicorn

    from lifecycle.serving.http_protocol import BoundedHttpProtocol

    BoundedHttpProtocol.max_body_bytes = max_body_bytes
    options = uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,  # longer than a proxy's, usually 60: else the proxy sends into closed connections
        timeout_graceful_shutdown=20,
        limit_concurrency=MAX_CONNECTIONS,
        ws="none",
        proxy_headers=False,
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn shuts down, then raises the signal once more
        signal.signal(number, lambda *_: sys.exit(0))
    uvicorn.Server(options).run([listening])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"cannot listen on {host}:{port}: {reason}") from None
