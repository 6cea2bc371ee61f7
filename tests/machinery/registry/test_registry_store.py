"""Commands of the registry over HTTP: without the rest of MLflow, on a real server, with MLflow's settings and errors.

Each runs in a process of its own: where MLflow is imported already, as in the process of the tests, its own client is used.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any, ClassVar

import pytest

PATIENCE = 180  # seconds
HEAVY = "{'numpy', 'pandas', 'sklearn', 'scipy', 'pyarrow', 'sqlalchemy', 'alembic', 'fastapi'}"
CALL = f"""
import sys
from lifecycle import cli
try:
    cli.main(sys.argv[1:])
finally:
    print(*sorted({HEAVY} & set(sys.modules)), file=sys.stderr)
"""
EVERY_CALL = """
import sys
from lifecycle.core import config
from lifecycle.core.tracking import store
from lifecycle.registry import ledger, moves
from lifecycle.registry.aliases import held
from lifecycle.registry.registry_store import registry_store

params, model = config.load(), config.load().track.model
with store(params, "") as client:
    client.create_registered_model(model)
    client.create_registered_model(ledger.ledger_of(model))
    client.create_model_version(model, "s3://nowhere/model")
    seen = {"full": client.get_model_version(model, "1").creation_timestamp}
for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
    del sys.modules[name]  # as in a process that begins
for _ in range(2):
    with registry_store(params, "") as client:
        assert type(client).__name__ == "RestClient"
        last = ledger.head(client, model)
        moves.move(client, model, last, "try", "canary", 1, "a reason", percent=5)
        moves.move(client, model, ledger.head(client, model), "stop", "shadow", 1, "a reason", then={"canary": None})
        client.set_model_version_tag(model, "1", "colour", "blue")
        assert client.get_model_version(model, "1").creation_timestamp == seen["full"]
        assert ledger.has_had(client, model, "canary", 1)
    assert "mlflow" not in sys.modules
with store(params, "") as client:
    assert type(client).__name__ == "MlflowClient"
    assert held(client, model).as_json() == {"aliases": {"shadow": 1}, "percent": 5}
    assert [move.action for move in ledger.history(client, model)] == ["try", "stop"] * 2
    assert client.get_model_version(model, "1").tags == {"colour": "blue"}
print("done")
"""


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if address := os.environ.get("TEST_TRACKING_URI", ""):
        yield address
        return
    folder = tmp_path_factory.mktemp("server")
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination"]
    process = subprocess.Popen(
        [*command, str(folder)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(address):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)


def answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=2):
        return True
    return False


def test_its_client_does_what_mlflows_own_does_which_can_be_imported_before_and_after(
    mlflow_server: str, tmp_path: Path
) -> None:
    done = in_process(EVERY_CALL, tmp_path, mlflow_server)

    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


class Handler(BaseHTTPRequestHandler):
    """A registry without models, which notes who asks; with `broken` it is one whose database is down."""

    authorizations: ClassVar[list[str | None]] = []
    broken = False

    def do_GET(self) -> None:
        self.authorizations.append(self.headers["Authorization"])
        missing = "registered-models/get" in self.path
        content = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such model"} if missing else {}
        if self.broken:
            content = {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "the database is down"}
        self.send_response(503 if self.broken else 404 if missing else 200)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Handler, "authorizations", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize(
    ("settings", "authorization"),
    [
        ({"MLFLOW_TRACKING_TOKEN": "secret"}, "Bearer secret"),
        ({"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "secret"}, "Basic YWRhOnNlY3JldA=="),
    ],
)
def test_a_command_sends_what_mlflow_is_set_to_send_and_loads_no_library_that_computes(
    server: str, tmp_path: Path, settings: dict[str, str], authorization: str
) -> None:
    done = in_process(CALL, tmp_path, server, "history", **settings)

    assert (done.returncode, done.stderr) == (0, "\n")
    assert done.stdout.startswith("history: no version of ")
    assert set(Handler.authorizations) == {authorization}


def test_an_mlflow_in_trouble_is_one_line_with_its_own_message(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handler, "broken", True)

    done = in_process(CALL, tmp_path, server, "history", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")

    assert done.returncode == 2
    assert done.stderr.startswith(f"error: MLflow at {server} failed: ")
    assert "the database is down; a move that has begun is completed by the next command\n" in done.stderr


@pytest.mark.parametrize(
    "reason",
    [
        "os.environ['MLFLOW_REGISTRY_URI'] = os.environ['MLFLOW_TRACKING_URI']",
        "slim_mlflow.EMPTY = ('mlflow', 'mlflow.tracking.moved_elsewhere')",
        "import mlflow",
    ],
)
def test_where_mlflow_cannot_be_had_in_part_its_own_client_is_used(server: str, tmp_path: Path, reason: str) -> None:
    script = (
        f"import os; from lifecycle.registry import slim_mlflow; {reason}\n"
        "from lifecycle.core import config; from lifecycle.registry.registry_store import registry_store\n"
        "with registry_store(config.load(), '') as client: print(type(client).__name__)"
    )

    done = in_process(script, tmp_path, server)

    assert (done.stdout, done.returncode) == ("MlflowClient\n", 0), done.stderr


def in_process(
    script: str, folder: Path, address: str, *arguments: str, **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run a script in a repo whose model has the name of the folder."""
    text = Path("params.yaml").read_text().replace('experiment: "telco-churn"', f'experiment: "{folder.name}"')
    (folder / "params.yaml").write_text(text)
    environment = os.environ | {"PYTHONPATH": str(Path("src").resolve()), "MLFLOW_TRACKING_URI": address} | settings
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
