"""uvicorn's server, which listens once it can answer and stops without a failed request.

A balancer takes an open port for a server that works. So the port opens once the first version is loaded, and on SIGTERM it stays open
while the server is not ready any more and says `Connection: close` with each answer, until requests stop coming or DRAIN_SECONDS have
passed. The port is closed in an order that loses no connection: new ones are turned away, those that wait are taken, then it closes.
"""

import asyncio
import ctypes
import signal
import socket
import struct
import time
from contextlib import AsyncExitStack, suppress
from types import FrameType

import uvicorn

from lifecycle.core.errors import ConfigError
from lifecycle.serving.drain_state import DrainState
from lifecycle.serving.registry_watcher import RegistryWatcher
from lifecycle.serving.server_log import report

DRAIN_SECONDS = 5.0  # in which a balancer has to notice that the server is not ready
QUIET_SECONDS = 1.0  # without a request, after which nobody seems to send any more
HANDSHAKE_SECONDS = 0.05  # in which a connection that has begun is established
FIRST_REQUEST_SECONDS = 1.0  # in which a connection that was established last sends its request
SO_ATTACH_FILTER = 26  # of Linux; Python has no name for it
# Of the packets for a listening socket, drop those that begin a connection: in TCP's flags SYN without ACK.
DROP_NEW_CONNECTIONS = (
    (0x30, 0, 0, 13),  # load the byte with the flags
    (0x54, 0, 0, 0x12),  # and SYN | ACK
    (0x15, 0, 1, 0x02),  # if it is SYN, go on, else skip one
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # keep
)


class GracefulServer(uvicorn.Server):
    """A server of the version that a watcher keeps up to date."""

    def __init__(self, config: uvicorn.Config, watcher: RegistryWatcher, drain: DrainState, wait: float) -> None:
        """`wait` is in how many seconds the first version has to be loaded; then the port opens without one, to say what is wrong."""
        super().__init__(config)
        self.watcher, self.drain, self.wait = watcher, drain, wait
        self._watching = AsyncExitStack()
        self._in_hurry = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: after draining on SIGTERM, at once on Ctrl-C or on a second signal."""
        self._in_hurry = self.should_exit or sig == signal.SIGINT
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load the first version, then listen. Raises ConfigError if the port was taken meanwhile."""
        await self._watching.enter_async_context(self.watcher.running())
        deadline = time.monotonic() + self.wait
        while not (self.watcher.settled or self.should_exit or time.monotonic() > deadline):
            await asyncio.sleep(0.02)
        if self.should_exit:
            return await self._watching.aclose()
        try:
            await super().startup(sockets)
        except OSError as error:
            await self._watching.aclose()
            raise ConfigError(f"cannot listen: {error.strerror}") from None
        for listening in sockets or ():
            host, port, *_ = listening.getsockname()
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            report("listening", f"listening on http://{address}", host=host, port=port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what comes until nothing does, then stop."""
        try:
            self.drain.stopping = True
            report("stopping", "stopping: requests that still come are answered")
            if not self._in_hurry:
                await self._drain()
                await self._stop_listening(sockets or [])
            await super().shutdown(sockets)
        finally:
            await self._watching.aclose()

    async def _drain(self) -> None:
        began = time.monotonic()
        while time.monotonic() < began + DRAIN_SECONDS and not self._in_hurry:
            if time.monotonic() > max(began, self.drain.last_request) + QUIET_SECONDS:
                return
            await asyncio.sleep(0.05)

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Close the port without losing a connection that a client holds to be open."""
        for listening in sockets:
            _drop_new_connections(listening)
        await asyncio.sleep(HANDSHAKE_SECONDS)
        for server in self.servers:  # the loop has accepted what was established
            server.close()
        deadline = time.monotonic() + FIRST_REQUEST_SECONDS
        while time.monotonic() < deadline and self._has_silent_connections():
            await asyncio.sleep(0.02)

    def _has_silent_connections(self) -> bool:
        """Whether a connection has not asked for anything yet."""
        return any(getattr(connection, "cycle", None) is None for connection in self.server_state.connections)


def _drop_new_connections(listening: socket.socket) -> None:
    """Let clients that begin to connect wait, and try again in a second: by then the port is closed, and they go elsewhere."""
    content = b"".join(struct.pack("HBBI", *instruction) for instruction in DROP_NEW_CONNECTIONS)
    instructions = ctypes.create_string_buffer(content)
    program = struct.pack("HL", len(DROP_NEW_CONNECTIONS), ctypes.addressof(instructions))
    with suppress(OSError):  # not on Linux: then one of many thousand connections may be lost
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
