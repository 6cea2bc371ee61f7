"""The checks that a request passes before it reaches the app: its token, content type, size, how long it takes to arrive, and how many
others are being answered."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lifecycle.serving.drain_state import DrainState
from lifecycle.serving.prometheus_metrics import ServerMetrics
from lifecycle.serving.request_identity import Headers, identify
from lifecycle.serving.server_log import report
from lifecycle.serving.tokens import WITHOUT_TOKEN, Tokens
from lifecycle.serving.tracing import Tracing

READ_SECONDS = 10.0  # in which each piece of a request has to arrive
BODY_SECONDS = 60.0  # for the whole body
MAX_IN_FLIGHT = 1000  # requests being answered at a time; more are refused, but for health checks
MAX_DISCARDING = 100  # requests whose refusal waits until their body is there
RETRY_AFTER = b"retry-after", b"2"
ANY_ORIGIN = b"access-control-allow-origin", b"*"  # a page of any site may look at a server's health
CLOSE = b"connection", b"close"
UNTRACED = {*WITHOUT_TOKEN, "/metrics"}  # asked for every few seconds
OVERLOADED = "overloaded: try again later"


class RequestGuard:
    """ASGI middleware that refuses requests, gives each an id, and counts and times the responses."""

    def __init__(
        self,
        app: ASGIApp,
        tokens: Tokens,
        max_bytes: int,
        metrics: ServerMetrics,
        paths: set[str],
        drain: DrainState,
        generated_ids: Iterator[str],
        access_log: bool = False,
        tracing: Tracing | None = None,
    ) -> None:
        """Wrap an app.

        Args:
            app: what handles the requests that pass.
            tokens: what requests have to send, if anything.
            max_bytes: of a request's body.
            metrics: where responses are counted.
            paths: those that are counted by name; all others together.
            drain: of this server.
            generated_ids: for requests that come without one.
            access_log: whether a line is printed for each response but those to health checks.
            tracing: makes a span of each request, if anything.
        """
        self.app, self.tokens, self.max_bytes, self.generated_ids = app, tokens, max_bytes, generated_ids
        self.metrics, self.paths, self.drain = metrics, paths, drain
        self.access_log, self.tracing = access_log, tracing
        self.too_long = f"the request body may have at most {max_bytes:,} bytes"
        self.in_flight = self.discarding = 0
        metrics.in_flight.set_function(lambda: self.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        identity = identify(scope, headers, self.generated_ids)
        began, started = time.perf_counter(), False
        tracing = self.tracing if scope["path"] not in UNTRACED else None
        span = tracing.begin(scope, self._route(scope), headers) if tracing else None

        async def send_response(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._count(scope, message["status"], time.perf_counter() - began)
                if tracing and span:
                    tracing.end(span, message["status"])
                more = self._more_headers(scope, message["status"])
                message["headers"] = [*message["headers"], *identity, *more]
            await send(message)

        if refusal := self._refusal(scope, headers):
            await self._discard(receive)
            return await refusal(scope, receive, send_response)
        try:
            if scope["path"] in WITHOUT_TOKEN:
                return await self.app(scope, self._limited(receive), send_response)
            return await self._answer(scope, receive, send_response)
        except Exception as error:  # our mistake: the traceback is for whoever runs the server
            request_id, route = scope["request_id"], self._route(scope)
            message = f"failed to answer request {request_id} to {route}"
            report("request_failed", message, logging.ERROR, error, request_id=request_id, route=route)
            if not started:
                await JSONResponse({"detail": "the server has failed"}, 500)(scope, receive, send_response)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless too many are being answered."""
        self.drain.note_request()
        if self.in_flight >= MAX_IN_FLIGHT:
            refusal = JSONResponse({"detail": OVERLOADED}, 503)
            return await refusal(scope, receive, send)
        self.in_flight += 1
        try:
            return await self.app(scope, self._limited(receive), send)
        finally:
            self.in_flight -= 1

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        """Count and time a response, and print a line if that is wanted."""
        route = self._route(scope)
        self.metrics.requests.labels(route, status).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)
        if self.access_log and route not in WITHOUT_TOKEN:
            fields = {"request_id": scope["request_id"], "method": scope["method"], "route": route, "status": status}
            milliseconds = round(1000 * seconds, 3)
            message = f"{scope['method']} {route} {status} in {milliseconds:g} ms, request {scope['request_id']}"
            report("request", message, milliseconds=milliseconds, **fields)

    def _route(self, scope: Scope) -> str:
        """The path of a request if it is one of ours."""
        return scope["path"] if scope["path"] in self.paths else "other"

    def _more_headers(self, scope: Scope, status: int) -> Headers:
        """Headers of a response that depend on its path and on the server's state."""
        headers = [ANY_ORIGIN] if scope["path"] in WITHOUT_TOKEN else []
        if status == 503:
            headers.append(RETRY_AFTER)
        return [*headers, CLOSE] if self.drain.stopping else headers

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> JSONResponse | None:
        """The response to a request whose head is reason enough to refuse it."""
        if refusal := self.tokens.refusal(scope["path"], headers.get(b"authorization", b"")):
            status, detail = refusal
            return JSONResponse({"detail": detail}, status, {"WWW-Authenticate": "Bearer"} if status == 401 else None)
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            detail = "send the body as it is: compressed ones, with the header `Content-Encoding`, are not accepted"
            return JSONResponse({"detail": detail}, 415, {"Accept-Encoding": "identity"})
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
