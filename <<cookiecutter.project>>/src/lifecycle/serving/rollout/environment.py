"""The servers of an environment, staging or production: what they serve, and whether they answer correctly."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.core.errors import RefusedError
from lifecycle.core.version_files import TOLERANCE
from lifecycle.serving.client import Client, ServerError, UnreachableError
from lifecycle.serving.rollout.local_server import LocalServer, local_server
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
            except UnreachableError:
                server = self._local_server(client)
                if not server:
                    raise
                server.start()

    def stop(self) -> int:
        """Stop the servers that `start` has started. Returns their number."""
        servers = [self._local_server(client) for client in self.clients]
        return sum(server.stop() for server in servers if server)

    def wait_for(self, role: str, version: int | None) -> None:
        """Wait until every answer for a whole polling interval came from a server that serves a version in a role.

        That way several servers behind one address are most likely all seen. Raises RefusedError if one has tried to load the
        version since the wait began and could not, or it takes too long.
        """
        began = last_mismatch = time.monotonic()
        failures: dict[str, int] = {}
        while True:
            for client, status in zip(self.clients, self.statuses(), strict=True):
                if not self._serves(client, status, role, version):
                    last_mismatch = time.monotonic()
                    self._require_no_new_failure(status, version, failures)
            if time.monotonic() > last_mismatch + self.serving.server.poll_seconds:
                return
            if last_mismatch > began + WAIT_SECONDS:
                raise RefusedError(
                    f"the servers of {self.name} do not serve version {version} within {WAIT_SECONDS:g} s"
                )
            time.sleep(min(0.5, self.serving.server.poll_seconds / 2))

    def smoke_test(self, version: int, folder: Path) -> int:
        """Let every server score the known rows of a version. Returns their number.

        Raises RefusedError if one does not answer, or predicts something else than `evaluate` did.
        """
        from lifecycle.core import known_rows  # needs pandas, which `status`, `abort` and `stop` do not

        rows = known_rows.read(folder)
        for client in self.clients:
            try:
                answers = client.predict(rows.records, version)
            except ServerError as error:
                raise RefusedError(f"version {version} does not score the known rows: {error}") from None
            difference = known_rows.largest_difference(answers, rows.expected)
            if not difference <= TOLERANCE:
                raise RefusedError(
                    f"{client.url} does not reproduce the predictions of evaluate: they differ by up to {difference:.3g}"
                )
        return len(rows.records)

    def package_differences(self, version: int) -> list[str]:
        """Return how the servers' packages differ from those that a version was made with, a line each."""
        return [
            f"{client.url}: {line}"
            for client, status in zip(self.clients, self.statuses(), strict=True)
            for line in status.get("environment", {}).get(str(version), [])  # a server of an older release has none
        ]

    def _serves(self, client: Client, status: dict[str, Any], role: str, version: int | None) -> bool:
        if role not in status["versions"]:
            alias = next(iter(status["versions"]))
            raise RefusedError(f"{client.url} serves {alias}, not {role}: correct environments in serving.yaml")
        return bool(status["versions"][role] == version)

    def _require_no_new_failure(self, status: dict[str, Any], version: int | None, before: dict[str, int]) -> None:
        """Raise RefusedError if a server has failed to load a version once more than when it was first seen.

        What it reports at first may be older than the move that is waited for, and its cause mended. `before` is, by server, how
        often it had failed then.
        """
        failure = status.get("load_failures", {}).get(str(version))  # a server of an older release reports none
        if failure and failure["attempts"] > before.setdefault(status["server"], failure["attempts"]):
            raise RefusedError(f"a server of {self.name} does not serve it: version {version}: {failure['error']}")
        if not failure:  # loaded, or not tried yet: the next failure counts
            before[status["server"]] = 0

    def _local_server(self, client: Client) -> LocalServer | None:
        return local_server(self.name, client, self.serving.server.cache)
