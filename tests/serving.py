"""A server on loopback: start it, put it under load, see what it answered and logged. Everything is bounded in time."""

import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import BakedProject, clean_environment

POLL = 0.25  # seconds; server.poll_seconds of the project that is served
LOOK = 2 * POLL + 0.5  # seconds: two polling intervals, and what a busy machine adds
TIMEOUT = 1.0  # seconds; server.timeout_seconds
PATIENCE = 60  # seconds
numbers = count()
HEADERS = {"Content-Type": "application/json"}


class Reply(NamedTuple):
    """The response to a request; status 0 if the connection broke."""

    status: int
    body: Any
    request_id: str = ""
    seconds: float = 0.0


class Client:
    """One connection to a server."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, path: str, content: Any = None, **headers: str) -> Reply:
        """GET a path, or POST content to it: bytes as they are, anything else as JSON."""
        body = content if content is None or isinstance(content, bytes) else json.dumps(content).encode()
        all_headers = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
        started = time.monotonic()
        self.connection.request("GET" if body is None else "POST", path, body, all_headers)
        answer = self.connection.getresponse()
        text = answer.read()
        is_json = answer.headers.get_content_type() == "application/json"
        return Reply(
            answer.status,
            json.loads(text) if is_json else text.decode(),
            headers.get("X_Request_ID", ""),
            time.monotonic() - started,
        )


class Server:
    """A server process and what it printed."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self.log = process, log
        self.port = 0
        self.printed: list[str] = []
        assert process.stderr
        self.reading = threading.Thread(target=lambda: self.printed.extend(self._lines()), daemon=True)
        self.reading.start()

    def _lines(self) -> Iterator[str]:
        for line in self.process.stderr or ():
            if match := re.search(r"listening on http://\S+:(\d+)", line):
                self.port = int(match[1])
            yield line

    def ask(self, path: str, content: Any = None, **headers: str) -> Reply:
        client = Client(self.port)
        try:
            return client.ask(path, content, **headers)
        finally:
            client.connection.close()

    def versions(self) -> dict[str, int | None]:
        return self.ask("/model").body["versions"]

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over the series that have these labels."""
        lines = re.findall(rf"^serving_{name}(?:{{(.*)}})? (\S+)$", self.ask("/metrics").body, flags=re.MULTILINE)
        return sum(
            float(value)
            for series, value in lines
            if all(f'{key}="{label}"' in series for key, label in labels.items())
        )

    def lines(self, kind: str = "jsonl") -> list[dict[str, Any]]:
        """Return what is in the log: predictions, or `feedback.jsonl`; without a line that is still being written."""
        files = [path for path in sorted(self.log.rglob(f"*.{kind}")) if kind in path.name.partition(".")[2:]]
        return [json.loads(line) for path in files for line in path.read_bytes().split(b"\n")[:-1]]

    def processes(self) -> list[int]:
        """Return the process and all that it started."""
        parents = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent = status.read_text().rpartition(")")[2].split()[:2]
            except OSError:  # it is gone
                continue
            if state != "Z":
                parents[int(status.parent.name)] = int(parent)
        tree = [self.process.pid]
        for pid in tree:
            tree += [child for child, parent in parents.items() if parent == pid]
        return tree

    def megabytes(self) -> float:
        """Return the memory that its processes have to themselves, in megabytes."""
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.processes()]
        return sum(int(size) for text in rollups for size in re.findall(r"^Private_\w+: +(\d+)", text, re.M)) / 1e3


@contextmanager
def serving(
    project: BakedProject, log: Path, *options: str, few_files: int = 0, **environment: str
) -> Iterator[Server]:
    """Run `telco-churn serve` on a free port until the block ends, with at most `few_files` open if that is given."""
    limit = ["prlimit", f"--nofile={few_files}:{few_files}"] if few_files else []
    process = subprocess.Popen(
        [*limit, str(project.path / ".venv/bin/telco-churn"), "serve", "--port", "0", *options],
        cwd=project.path,
        env=clean_environment() | {"PYTHONPATH": "src", "SERVING_LOG": str(log)} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    server = Server(process, log)
    try:
        until(lambda: server.port or process.poll() is not None, "it listens", server)
        if not server.port:
            server.reading.join(10)
            pytest.fail(f"it does not start, exit code {process.returncode}: {''.join(server.printed)}")
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            pytest.fail(f"it does not stop: {server.printed}")


def until(condition: Callable[[], Any], what: str, server: Server | None = None, seconds: float = PATIENCE) -> float:
    """Wait until a condition holds; return how many seconds that took. Fails the test if it takes too long."""
    started = time.monotonic()
    while not condition():
        assert server is None or server.process.poll() is None or not server.port, (
            server.process.returncode,
            server.printed[-20:],
        )
        if time.monotonic() - started > seconds:
            pytest.fail(f"not within {seconds} seconds: {what}; {server.printed[-5:] if server else ''}")
        time.sleep(0.02)
    return time.monotonic() - started


def ready(server: Server) -> bool:
    return server.ask("/health/ready").status == 200


@contextmanager
def load(server: Server, rows: list[dict[str, Any]], connections: int = 4, batch: int = 0) -> Iterator[list[Reply]]:
    """Send requests without pause over several connections until the block ends; yield the replies so far.

    `batch` more connections send thirty rows at a time. A connection that breaks is not opened again.
    """
    replies: list[Reply] = []
    numbers, stopped = count(), threading.Event()

    def work(size: int) -> None:
        client = Client(server.port)
        while not stopped.is_set():
            number = next(numbers)
            request_id = f"load-{id(replies)}-{number}"
            part = [rows[(number + place) % len(rows)] for place in range(size or 1)]
            try:
                path, content = ("/predict/batch", {"records": part}) if size else ("/predict", part[0])
                replies.append(client.ask(path, content, X_Request_ID=request_id))
            except (OSError, HTTPException) as error:
                replies.append(Reply(0, repr(error), request_id))
                return

    with at_once(work, [(30 * (place < batch),) for place in range(connections + batch)], stopped):
        yield replies


@contextmanager
def at_once(work: Callable[..., None], arguments: list[tuple[Any, ...]], stopped: threading.Event) -> Iterator[None]:
    """Run a function in a thread for each of some arguments until the block ends; it returns once `stopped` is set."""
    threads = [threading.Thread(target=work, args=of_one) for of_one in arguments]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join(PATIENCE)


def unique() -> str:
    """Return an id that no other request has, to find it in the log."""
    return f"test-{next(numbers)}"


def logged(server: Server, *request_ids: str) -> list[dict[str, Any]]:
    return [line for line in server.lines() if line["request_id"] in request_ids]


def raw(server: Server, head: str, body: bytes = b"", seconds: float = 30) -> bytes:
    """Return what comes back until the server closes the connection, or nothing has come for so long."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        content = b""
        while b"\r\n\r\n" not in content and (chunk := connection.recv(65536)):
            content += chunk
    return content


def versions(replies: list[Reply]) -> set[int]:
    """Return the versions that answered; of a batch there may be only one."""
    numbers = set()
    for answer in replies:
        rows = answer.body.get("predictions", [answer.body])
        (version,) = {row["model_version"] for row in rows}
        numbers.add(version)
    return numbers


def only_answers(replies: list[Reply]) -> bool:
    """Fail the test if a request failed."""
    failed = [answer for answer in replies if answer.status != 200]
    assert not failed, failed[:3]
    return bool(replies)


def alive(pid: int) -> bool:
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
