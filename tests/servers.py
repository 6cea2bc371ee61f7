"""Real servers on loopback, bounded in time and stopped by process: PostgreSQL, and MLflow as compose.yaml starts it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import BakedProject, clean_environment

PATIENCE = 60  # seconds


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
