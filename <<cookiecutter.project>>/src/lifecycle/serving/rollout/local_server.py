"""The servers that `deploy` starts on this machine, and stops again."""

import ipaddress
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lifecycle.core.errors import ConfigError
from lifecycle.serving.client import Client, ServerError

START_SECONDS = 120.0


@dataclass(frozen=True)
class LocalServer:
    """A server of an alias at an address on this machine."""

    alias: str
    client: Client
    port: int
    pid_file: Path

    def start(self) -> None:
        """Start the server and wait until it answers. Raises ConfigError if it does not."""
        output = Path("logs", f"serve-{self.alias}-{self.port}.log")
        process = self._launch(output)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self.client.status()["pid"] == process.pid:
                    self.pid_file.parent.mkdir(parents=True, exist_ok=True)
                    self.pid_file.write_text(str(process.pid))
                    url = self.client.url
                    print(f"deploy: started a server for {self.alias} at {url} (its output: {output})", flush=True)
                return  # or another one was faster, and has the port
            except ServerError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ConfigError(f"the server for {self.alias} does not start: see {output}") from None
                time.sleep(0.2)

    def _launch(self, output: Path) -> subprocess.Popen[bytes]:
        output.parent.mkdir(exist_ok=True)
        with output.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "lifecycle.cli", "serve", "--alias", self.alias, "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def stop(self) -> bool:
        """Stop the server if `start` has started it. Returns whether it was running."""
        if not self.pid_file.exists():
            return False
        pid, stopped = int(self.pid_file.read_text()), False
        try:
            os.kill(pid, 0)
            # The number may belong to another process by now: only the server itself can tell its own.
            if self.client.status()["pid"] == pid:
                os.kill(pid, signal.SIGTERM)
                stopped = True
        except ProcessLookupError:
            pass
        except ServerError as error:
            raise ServerError(f"{error}; if process {pid} is the server of {self.alias}, stop it by hand") from None
        self.pid_file.unlink()
        return stopped


def local_server(alias: str, client: Client, folder: Path) -> LocalServer | None:
    """Return the server of an alias at a client's address, or None if that is on another machine.

    `folder` is where the number of its process is written down.
    """
    address = urlsplit(client.url)
    host, port = address.hostname or "", address.port or 80
    try:
        is_local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    return LocalServer(alias, client, port, folder / f"{alias}-{port}.pid") if is_local else None
