"""Run a server: one HTTP process, listening on one port."""

import ipaddress
import os
import signal
import socket
import sys

from lifecycle.core import config, contract
from lifecycle.core.errors import ConfigError
from lifecycle.serving import settings

OPEN_CONNECTIONS = 1000


def serve(host: str, port: int, alias: str) -> None:
    """Serve the version that has an alias until told to stop.

    Raises ConfigError if the port is taken, or the server would listen beyond this machine without a token.
    """
    import uvicorn

    from lifecycle.core.row_model import record_model, value_type
    from lifecycle.prediction_log.writer import Log
    from lifecycle.serving.answer_recorder import Account
    from lifecycle.serving.app import make_app
    from lifecycle.serving.http_protocol import Protocol
    from lifecycle.serving.model_source import Source
    from lifecycle.serving.prometheus_metrics import Counters
    from lifecycle.serving.registry_watcher import Watcher
    from lifecycle.serving.router import Router

    token = settings.token()
    if not token and not _is_loopback(host):
        raise ConfigError(
            f"--host {host} lets others in, and nobody is asked for a token: set {settings.TOKEN}, or listen on 127.0.0.1"
        )
    listening = _listen(host, port)
    # A registry that does not answer must not keep what is served from changing for long.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    params, server = config.load(), settings.load().server
    schema = contract.load(config.CONTRACT, params.package)
    router = Router(Account(alias, Log(server.log), Counters()), server.timeout_seconds)
    watcher = Watcher(
        params, server, alias, router, set(schema.columns) - {params.data.target}, Source(params, server.cache, alias)
    )
    label = value_type(schema.columns[params.data.target])
    app = make_app(params, server, record_model(schema, params), label, watcher, token)
    print(f"serve: listening on http://{host}:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    options = uvicorn.Config(
        app,
        http=Protocol,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,  # longer than a proxy's, which is 60 as a rule: else it sends into closed connections
        timeout_graceful_shutdown=20,
        limit_concurrency=OPEN_CONNECTIONS,
        ws="none",
        proxy_headers=False,
    )
    Protocol.most = int(server.max_megabytes * 1e6)
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn stops in order, then raises what stopped it once more
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
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror if isinstance(error, OSError) else error}"
        ) from None
