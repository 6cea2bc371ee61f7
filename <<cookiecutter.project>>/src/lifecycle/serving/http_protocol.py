"""HTTP as uvicorn speaks it, but for clients that never finish the head of a request: it alone would wait, and keep what came."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lifecycle.serving.middleware import SECONDS

LONGEST_HEAD = 65_536  # bytes
TOO_SLOW = (408, "Request Timeout", f"the head of the request did not come within {SECONDS:g} seconds")
TOO_LONG = (431, "Request Header Fields Too Large", f"the head of the request is longer than {LONGEST_HEAD} bytes")


class Protocol(HttpToolsProtocol):
    """One connection."""

    most = 10_000_000
    """Bytes of a request's body that are answered; a few times as many are read, then the connection is closed."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._deadline: asyncio.TimerHandle | None = None
        self._bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_a_head()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_a_head()
        self._bytes += len(data)
        super().data_received(data)
        if self._deadline and self._bytes > LONGEST_HEAD:
            self._refuse(*TOO_LONG)
        elif self._bytes > LONGEST_HEAD + 6 * self.most:  # of chunks and what follows them there may be any number
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._be_content()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_content()
        super().connection_lost(exc)

    def _expect_a_head(self) -> None:
        self._bytes = 0
        self._deadline = self.loop.call_later(SECONDS, self._refuse, *TOO_SLOW)

    def _be_content(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, phrase: str, text: str) -> None:
        self._be_content()
        if not self.transport.is_closing():
            head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n"
            self.transport.write(f"{head}{text}".encode())
            self.transport.close()
