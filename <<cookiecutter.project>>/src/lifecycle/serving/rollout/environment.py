"""The servers of an environment, staging or production: what they serve, whether they answer correctly, and starting one on this machine."""

import ipaddress
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lifecycle.core import known_rows
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.version_files import TOLERANCE
from lifecycle.serving.client import Client, ServerError
from lifecycle.serving.settings import Serving

WAIT_SECONDS = 120.0  # in which servers have to serve what the registry says


@dataclass
class Environment:
    """Servers that serve the version of one alias."""

    name: str
    serving: Serving

    @property
    def clients(self) -> list[Client]:
        return [Client(url) for url in self.serving.environments[self.name]]  # type: ignore[index]

    def statuses(self) -> list[dict[str, Any]]:
        """Return what the server at each address reports. Raises ServerError if one does not answer."""
        return [client.status() for client in self.clients]

    def start(self) -> None:
        """Start a server for each address on this machine at which none answers."""
        for client in self.clients:
            try:
                client.status()
            except ServerError as error:
                if "does not answer" not in str(error) or not (port := self._local_port(client.url)):
                    raise
                self._start(client, port)

    def _start(self, client: Client, port: int) -> None:
        output = Path("logs", f"serve-{self.name}-{port}.log")
        process = self._launch(port, output)
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                if client.status()["pid"] == process.pid:
                    pid_file = self._pid_file(port)
                    pid_file.parent.mkdir(parents=True, exist_ok=True)
                    pid_file.write_text(str(process.pid))
                    print(
                        f"deploy: started a server for {self.name} at {client.url} (its output: {output})", flush=True
                    )
                return  # or another one was faster, and has the port
            except ServerError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ConfigError(f"the server for {self.name} does not start: see {output}") from None
                time.sleep(0.2)

    def _launch(self, port: int, output: Path) -> subprocess.Popen[bytes]:
        output.parent.mkdir(exist_ok=True)
        with output.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "lifecycle.cli", "serve", "--alias", self.name, "--port", str(port)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def stop(self) -> int:
        """Stop the servers that `start` has started. Returns their number."""
        return sum(self._stop(client) for client in self.clients)

    def _stop(self, client: Client) -> bool:
        port = self._local_port(client.url)
        pid_file = self._pid_file(port) if port else None
        if not pid_file or not pid_file.exists():
            return False
        pid, stopped = int(pid_file.read_text()), False
        try:
            os.kill(pid, 0)
            # The number may belong to another process by now: only the server itself can tell its own.
            if client.status()["pid"] == pid:
                os.kill(pid, signal.SIGTERM)
                stopped = True
        except ProcessLookupError:
            pass
        except ServerError as error:
            raise ServerError(f"{error}; if process {pid} is the server of {self.name}, stop it by hand") from None
        pid_file.unlink()
        return stopped

    def wait_for(self, role: str, version: int | None) -> None:
        """Wait until every answer for a whole polling interval came from a server that serves a version in a role.

        That way several servers behind one address are most likely all seen. Raises RefusedError if one reports that the version
        does not load, or it takes too long.
        """
        began = last_mismatch = time.monotonic()
        while True:
            for client, status in zip(self.clients, self.statuses(), strict=True):
                if not self._serves(client, status, role, version):
                    last_mismatch = time.monotonic()
            if time.monotonic() > last_mismatch + self.serving.server.poll_seconds:
                return
            if last_mismatch > began + WAIT_SECONDS:
                raise RefusedError(
                    f"the servers of {self.name} do not serve version {version} within {WAIT_SECONDS:g} s"
                )
            time.sleep(min(0.5, self.serving.server.poll_seconds / 2))

    def _serves(self, client: Client, status: dict[str, Any], role: str, version: int | None) -> bool:
        if role not in status["versions"]:
            alias = next(iter(status["versions"]))
            raise RefusedError(f"{client.url} serves {alias}, not {role}: correct environments in serving.yaml")
        for problem in status["problems"]:
            if problem.startswith(f"version {version}:"):
                raise RefusedError(f"a server of {self.name} does not serve it: {problem}")
        return bool(status["versions"][role] == version)

    def smoke_test(self, version: int, folder: Path) -> int:
        """Ask every server for rows whose predictions are known from `evaluate`. Returns how many.

        Raises RefusedError if one answers otherwise, or not at all.
        """
        rows = known_rows.read(folder)
        for client in self.clients:
            try:
                answers = client.predict(rows.records, version)
            except ServerError as error:
                raise RefusedError(f"version {version} cannot be asked: {error}") from None
            difference = known_rows.largest_difference(answers, rows.expected)
            if not difference <= TOLERANCE:
                raise RefusedError(f"{client.url} answers otherwise than evaluate, by up to {difference:.3g}")
        return len(rows.records)

    def _pid_file(self, port: int) -> Path:
        return self.serving.server.cache / f"{self.name}-{port}.pid"

    @staticmethod
    def _local_port(url: str) -> int | None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        try:
            local = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            local = False
        return (parts.port or 80) if local else None
