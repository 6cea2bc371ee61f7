"""Real servers on loopback, bounded in time and stopped by process: PostgreSQL, MLflow as compose.yaml starts it, S3, and a link that fails."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import BakedProject, clean_environment

PATIENCE = 60  # seconds
MOTO = "moto[server]==5.2.5"  # an S3 API in memory
S3_KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(command: list[str], folder: Path, url: str, **environment: str) -> Iterator[None]:
    """Run a server until the block ends; it begins once `url` answers, whatever it answers."""
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield
    finally:
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def mlflow_server(project: BakedProject, folder: Path, store: str = "", **environment: str) -> Iterator[str]:
    """Run MLflow with the command and settings of compose.yaml on a free port; by default on SQLite. Yield its address."""
    service = project.read("compose.yaml")["services"]["mlflow"]
    port = free_port()
    command = service["command"].replace("0.0.0.0", "127.0.0.1").replace("5000", str(port)).split()
    given = {
        "MLFLOW_BACKEND_STORE_URI": store or f"sqlite:///{folder}/server.db",
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
    }
    settings = {
        name: given.get(name, value).replace("${MLFLOW_HOST:-localhost}", "mlflow.example.com")
        for name, value in service["environment"].items()
    }
    binaries = project.path / ".venv/bin"
    path = {"PATH": f"{binaries}:{os.environ['PATH']}"}
    command[0] = str(binaries / command[0])
    address = f"http://127.0.0.1:{port}"
    with running(command, folder, f"{address}/health", **(settings | path | environment)):
        yield address


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run PostgreSQL of Debian's package `postgresql`, with a database of its own, and yield its address."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    binaries = found[-1] if found else Path(shutil.which("initdb") or pytest.fail(MISSING)).parent
    # PostgreSQL refuses to run as root; Debian's package comes with a user for it.
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    data, port = Path(tempfile.mkdtemp(prefix="postgres-")), free_port()  # pytest's own folders are root's alone
    if user:
        shutil.chown(data, "postgres")

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), *arguments]
        done = subprocess.run(
            command, cwd=data, stdout=log, stderr=log, stdin=subprocess.DEVNULL, timeout=PATIENCE, **user
        )
        assert done.returncode == 0, (folder / "postgres.log").read_text()

    with (folder / "postgres.log").open("w") as log:
        run("initdb", "--username=mlflow", "--auth=trust", "--no-sync", str(data / "data"))
        options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={data} -c fsync=off -p {port}"
        run("pg_ctl", "--wait", "--pgdata", str(data / "data"), "--options", options, "start")
        try:
            run("createdb", "--host", "127.0.0.1", "--port", str(port), "--username", "mlflow", "mlflow")
            yield f"postgresql://mlflow@127.0.0.1:{port}/mlflow"
        finally:
            run("pg_ctl", "--wait", "--mode", "immediate", "--pgdata", str(data / "data"), "stop")
            shutil.rmtree(data)


MISSING = "PostgreSQL's server programs are missing: install them (on Debian: apt-get install postgresql)"


@contextmanager
def object_store(project: BakedProject, folder: Path) -> Iterator[int]:
    """Run an S3 API with a bucket `models`, in an environment of its own, and yield its port."""
    environment, port = folder / "moto", free_port()
    project.run(f"uv venv --quiet {environment} && uv pip install --quiet --python {environment} '{MOTO}'")
    url = f"http://127.0.0.1:{port}"
    with running([str(environment / "bin/moto_server"), "-H", "127.0.0.1", "-p", str(port)], folder, url):
        urllib.request.urlopen(urllib.request.Request(f"{url}/models", method="PUT"), timeout=20).close()
        yield port


class Link:
    """A port that leads to a server and can be `open`, `down` (nobody listens), `frozen` (accepts, never answers) or `slow`."""

    SLOW = 2.0  # seconds before each piece of an answer

    def __init__(self, target: int) -> None:
        self.target, self.port, self._state = target, free_port(), "down"
        self._sockets: list[socket.socket] = []
        self.set("open")

    def set(self, state: str) -> None:
        """Change the state; connections that are there are cut if it is `down`."""
        before, self._state = self._state, state
        if state == "down" and before != "down":
            for one in [self._listening, *self._sockets]:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._sockets.clear()
        elif before == "down":
            self._listening = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                self._sockets += [client, server]
                for ends in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._copy, args=ends, daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, answer: bool) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                if answer and self._state == "slow":
                    time.sleep(self.SLOW)
                while self._state == "frozen":
                    time.sleep(0.1)
                target.sendall(content)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
