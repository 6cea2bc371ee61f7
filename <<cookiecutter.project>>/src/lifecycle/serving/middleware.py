"""What stands before the app: who may ask, in what form, how much and how long they may take."""

import asyncio
import secrets
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lifecycle.serving.prometheus_metrics import Counters

SECONDS = 10.0  # in which each piece of a request's body has to come
WHOLE = 60.0  # seconds, for all of them
OPEN = {"/health/live", "/health/ready"}  # to whoever runs the server, who has no token


class Guard:
    """ASGI middleware. Everything but the health of the server is for those who know the token, if there is one."""

    def __init__(self, app: ASGIApp, token: str | None, limit: int, counters: Counters, paths: set[str]) -> None:
        """`limit` is how many bytes a request's body may have."""
        self.app, self.limit = app, limit
        self.expected = f"Bearer {token}".encode() if token else None
        self.counters, self.paths = counters, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = scope["path"] if scope["path"] in self.paths else "other"
                self.counters.requests.labels(path, message["status"]).inc()
            await send(message)

        async def refuse(status: int, detail: str, more: dict[str, str] | None = None) -> None:
            await self._discard(receive)
            await JSONResponse({"detail": detail}, status, more)(scope, receive, counted)

        headers = dict(scope["headers"])
        if self.expected and scope["path"] not in OPEN:
            given = headers.get(b"authorization", b"")
            if not secrets.compare_digest(given, self.expected):
                said = "send the header `Authorization: Bearer TOKEN`" if not given else "this is not the token"
                return await refuse(401, said, {"WWW-Authenticate": "Bearer"})
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if scope["method"] == "POST" and kind != b"application/json":
            return await refuse(415, "send JSON, with the header `Content-Type: application/json`")
        too_long = f"the request's body may have {self.limit:,} bytes"
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.limit:
            return await refuse(413, too_long)

        size, clock = 0, asyncio.get_running_loop().time
        end = clock() + WHOLE

        async def within_limits() -> Message:
            nonlocal size
            try:
                async with asyncio.timeout_at(min(clock() + SECONDS, end)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the request's body did not come in time") from None
            size += len(message.get("body", b""))
            if size > self.limit:
                await self._discard(receive)
                raise HTTPException(413, too_long)
            return message

        return await self.app(scope, within_limits, counted)

    async def _discard(self, receive: Receive) -> None:
        """Read on for a while: who is still sending when the connection is closed never gets to read why."""
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while size < 4 * self.limit:
                    message = await receive()
                    size += len(message.get("body", b""))
                    if not message.get("more_body"):
                        return
