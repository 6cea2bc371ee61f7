"""The checks that a request passes before it reaches the app: its token, content type, size, how long it takes to arrive, and how many
others are being answered."""

import asyncio
import secrets
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lifecycle.serving.prometheus_metrics import ServerMetrics
from lifecycle.serving.traffic import Traffic

READ_SECONDS = 10.0  # in which each piece of a request has to arrive
BODY_SECONDS = 60.0  # for the whole body
MAX_IN_FLIGHT = 1000  # requests being answered at a time; more are refused, but for health checks
MAX_DISCARDING = 100  # requests whose refusal waits until their body is there
WITHOUT_TOKEN = {"/health/live", "/health/ready"}  # probes have no token
RETRY_AFTER = b"retry-after", b"2"
CLOSE = b"connection", b"close"
OVERLOADED = "overloaded: try again later"


class RequestGuard:
    """ASGI middleware that refuses requests and counts responses."""

    def __init__(
        self,
        app: ASGIApp,
        token: str | None,
        max_bytes: int,
        metrics: ServerMetrics,
        paths: set[str],
        traffic: Traffic,
    ) -> None:
        """Wrap an app.

        Args:
            app: what handles the requests that pass.
            token: what every request but a health check has to send, if anything.
            max_bytes: of a request's body.
            metrics: where responses are counted.
            paths: those that are counted by name; all others together.
            traffic: of this server.
        """
        self.app, self.max_bytes = app, max_bytes
        self.expected = f"Bearer {token}".encode() if token else None
        self.metrics, self.paths, self.traffic = metrics, paths, traffic
        self.too_long = f"the request body may have at most {max_bytes:,} bytes"
        self.in_flight = self.discarding = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def counting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = scope["path"] if scope["path"] in self.paths else "other"
                self.metrics.requests.labels(path, message["status"]).inc()
                message["headers"] = [*message["headers"], *self._more_headers(message["status"])]
            await send(message)

        if refusal := self._refusal(scope):
            await self._discard(receive)
            return await refusal(scope, receive, counting_send)
        if scope["path"] in WITHOUT_TOKEN:
            return await self.app(scope, self._limited(receive), counting_send)
        return await self._answer(scope, receive, counting_send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless too many are being answered."""
        self.traffic.note_request()
        if self.in_flight >= MAX_IN_FLIGHT:
            refusal = JSONResponse({"detail": OVERLOADED}, 503)
            return await refusal(scope, receive, send)
        self.in_flight += 1
        self.metrics.in_flight.set(self.in_flight)
        try:
            return await self.app(scope, self._limited(receive), send)
        finally:
            self.in_flight -= 1
            self.metrics.in_flight.set(self.in_flight)

    def _more_headers(self, status: int) -> list[tuple[bytes, bytes]]:
        """Headers of a response that depend on the server's state."""
        headers = [RETRY_AFTER] if status == 503 else []
        return [*headers, CLOSE] if self.traffic.stopping else headers

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        """The response to a request whose head is reason enough to refuse it."""
        headers = dict(scope["headers"])
        if self.expected and scope["path"] not in WITHOUT_TOKEN:
            authorization = headers.get(b"authorization", b"")
            if not secrets.compare_digest(authorization, self.expected):
                detail = "wrong token" if authorization else "send the header `Authorization: Bearer TOKEN`"
                return JSONResponse({"detail": detail}, 401, {"WWW-Authenticate": "Bearer"})
        content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if scope["method"] == "POST" and content_type != b"application/json":
            return JSONResponse({"detail": "send JSON, with the header `Content-Type: application/json`"}, 415)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.max_bytes:
            return JSONResponse({"detail": self.too_long}, 413)
        return None

    def _limited(self, receive: Receive) -> Receive:
        """Return a `receive` that raises HTTPException once the body is too long or too slow."""
        size, clock = 0, asyncio.get_running_loop().time
        deadline = clock() + BODY_SECONDS

        async def limited_receive() -> Message:
            nonlocal size
            try:
                async with asyncio.timeout_at(min(clock() + READ_SECONDS, deadline)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the request body did not arrive in time") from None
            size += len(message.get("body", b""))
            if size > self.max_bytes:
                await self._discard(receive)
                raise HTTPException(413, self.too_long)
            return message

        return limited_receive

    async def _discard(self, receive: Receive) -> None:
        """Read on for a while: a client that is still sending when the connection closes never reads the response."""
        if self.discarding >= MAX_DISCARDING:
            return
        size, self.discarding = 0, self.discarding + 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(READ_SECONDS):
                    while size < 4 * self.max_bytes:
                        message = await receive()
                        size += len(message.get("body", b""))
                        if not message.get("more_body"):
                            return
        finally:
            self.discarding -= 1
