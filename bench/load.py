"""Servers under load: a process from start to end, its memory, and `wrk`, which sends requests."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from measure import environment

ROTATE = Path(__file__).parent / "apps/rotate.lua"
PATIENCE = 120.0  # seconds until a server has to answer


class Load(NamedTuple):
    """One run of wrk: requests per second, latencies in milliseconds, and requests that were not answered with 200."""

    rate: float
    p50: float
    p99: float
    failed: int


class Server(NamedTuple):
    """A server that answers, and the seconds from the start of its process to its first answer."""

    address: str
    pid: int
    cold: float


def need_wrk() -> str:
    """Return the version of wrk. Exits with one line if there is none."""
    if not shutil.which("wrk"):
        sys.exit("error: wrk, which sends the requests, is missing: install it (on Debian: apt-get install wrk)")
    return subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout.split(" [")[0].removeprefix("wrk ")


def post(url: str, body: str) -> Any:
    """Return the JSON answer. Raises OSError if there is none, or its status is not 200."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@contextmanager
def started(command: Sequence[str], folder: Path, path: str, body: str, **settings: str) -> Iterator[Server]:
    """Run a server until the block ends; `{port}` in its command becomes a free port.

    The block begins once a body posted to `path` is answered with 200.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [part.replace("{port}", port) for part in command]
    address = f"http://127.0.0.1:{port}"
    with open(folder / "server.log", "w") as log:
        since = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment() | settings, stdout=log, stderr=log, start_new_session=True
        )
    try:
        while True:
            with suppress(OSError):
                post(address + path, body)
                break
            if process.poll() is not None or time.perf_counter() - since > PATIENCE:
                sys.exit(f"{' '.join(command)} does not answer:\n{(folder / 'server.log').read_text()[-3000:]}")
            time.sleep(0.02)
        yield Server(address, process.pid, time.perf_counter() - since)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def load(url: str, bodies: Path, connections: int, seconds: float) -> Load:
    """Send requests without a pause; each connection waits for its answer before it sends the next."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:.0f}s"]
    command += ["--timeout", "30s", "--script", str(ROTATE), url, "--", str(bodies)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    result = json.loads(done.stdout.splitlines()[-1])
    return Load(result["requests"] / result["seconds"], result["p50"], result["p99"], result["failed"])


def memory_mb(pid: int) -> float:
    """Return the memory of a process and all its descendants in megabytes; a page that they share counts once."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    tree = {pid}
    while more := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= more
    lines = [line for member in tree for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6
