"""uvicorn's HTTP, with limits on the time and length of a request's head: uvicorn itself would wait for it, and keep it, for ever."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lifecycle.serving.connections import Connections
from lifecycle.serving.middleware import READ_SECONDS

MAX_HEAD_BYTES = 65_536
TOO_SLOW = (408, "Request Timeout", f"the request head did not arrive within {READ_SECONDS:g} seconds", "head too slow")
TOO_LONG = (
    431,
    "Request Header Fields Too Large",
    f"the request head is longer than {MAX_HEAD_BYTES} bytes",
    "head too long",
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    max_body_bytes = 10_000_000
    """Of a request that is answered; after a few times as many the connection is closed."""
    open_connections: Connections
    """Of the server: set before it starts."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._deadline: asyncio.TimerHandle | None = None
        self._bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()
        self.open_connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_head()
        self._bytes += len(data)
        super().data_received(data)
        if self._deadline and self._bytes > MAX_HEAD_BYTES:
            self._refuse(*TOO_LONG)
        elif self._bytes > MAX_HEAD_BYTES + 6 * self.max_body_bytes:  # a chunked body has no length of its own
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._cancel_deadline()
        self.open_connections.begin(self)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        if not self.pipeline and not self.transport.is_closing():
            self.open_connections.end(self)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        self.open_connections.remove(self)
        super().connection_lost(exc)

    def close(self) -> None:
        """Close the connection, whatever it waits for."""
        self._cancel_deadline()
        self.transport.close()

    def _expect_head(self) -> None:
        self._bytes = 0
        self._deadline = self.loop.call_later(READ_SECONDS, self._refuse, *TOO_SLOW)

    def _cancel_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, phrase: str, text: str, reason: str) -> None:
        self._cancel_deadline()
        if not self.transport.is_closing():
            self.open_connections.metrics.connections_refused.labels(reason).inc()
            head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n"
            self.transport.write(f"{head}{text}".encode())
            self.transport.close()
