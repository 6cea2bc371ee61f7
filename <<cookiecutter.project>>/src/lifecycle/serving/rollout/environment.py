"""The servers of an environment: staging or production. What they serve, whether they answer rightly, and one on this machine."""

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

PATIENCE = 120.0  # seconds in which servers have to serve what the registry says


@dataclass
class Environment:
    """Servers that serve the version of one alias."""

    name: str
    serving: Serving

    @property
    def clients(self) -> list[Client]:
        return [Client(url) for url in self.serving.environments[self.name]]  # type: ignore[index]

    def statuses(self) -> list[dict[str, Any]]:
        """Return what each address says of itself. Raises ServerError if one does not answer."""
        return [client.status() for client in self.clients]

    def start(self) -> None:
        """Start a server on this machine for each address here at which none answers."""
        for client in self.clients:
            try:
                client.status()
            except ServerError as error:
                if "does not answer" not in str(error) or not (port := self._local_port(client.url)):
                    raise
                self._start(client, port)

    def _start(self, client: Client, port: int) -> None:
        output = Path("logs", f"serve-{self.name}-{port}.log")
        output.parent.mkdir(exist_ok=True)
        with output.open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "lifecycle.cli", "serve", "--alias", self.name, "--port", str(port)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if client.status()["pid"] == process.pid:
                    pid = self._pid_file(port)
                    pid.parent.mkdir(parents=True, exist_ok=True)
                    pid.write_text(str(process.pid))
                    print(
                        f"deploy: started a server for {self.name} at {client.url} (its output: {output})", flush=True
                    )
                return  # or somebody else has been faster, and has the port
            except ServerError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ConfigError(f"the server for {self.name} does not come up: see {output}") from None
                time.sleep(0.2)

    def stop(self) -> int:
        """Stop the servers that `start` has started. Returns how many."""
        stopped = 0
        for client in self.clients:
            port = self._local_port(client.url)
            pid = self._pid_file(port) if port else None
            if not pid or not pid.exists():
                continue
            number = int(pid.read_text())
            try:
                os.kill(number, 0)
                # The number may be another process's by now: only the server itself can say that it is its own.
                if client.status()["pid"] == number:
                    os.kill(number, signal.SIGTERM)
                    stopped += 1
            except ProcessLookupError:
                pass
            except ServerError as error:
                raise ServerError(
                    f"{error}; if process {number} is the server of {self.name}, stop it by hand"
                ) from None
            pid.unlink()
        return stopped

    def wait_for(self, role: str, version: int | None) -> None:
        """Wait until every server has served a version in a role for as long as they take to look at the registry.

        So several servers behind one address are all seen, or nearly. Raises RefusedError if one says that the version does not
        load, or they have not come to it in time.
        """
        began = good = time.monotonic()
        while True:
            for client, status in zip(self.clients, self.statuses(), strict=True):
                if role not in status["versions"]:
                    raise RefusedError(
                        f"{client.url} serves {next(iter(status['versions']))}, not {role}: look at environments in serving.yaml"
                    )
                if problem := next(
                    (said for said in status["problems"] if said.startswith(f"version {version}:")), None
                ):
                    raise RefusedError(f"a server of {self.name} does not serve it: {problem}")
                if status["versions"].get(role) != version:
                    good = time.monotonic()
            if time.monotonic() > good + self.serving.server.poll_seconds:
                return
            if good > began + PATIENCE:
                raise RefusedError(f"the servers of {self.name} do not serve version {version} within {PATIENCE:g} s")
            time.sleep(min(0.5, self.serving.server.poll_seconds / 2))

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
