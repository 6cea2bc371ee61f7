"""Endpoints that take their request as it is: past FastAPI's routing and handling of parameters, half of the time that it takes."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]


class DirectRoutes:
    """ASGI middleware that calls some endpoints itself, and passes all other requests on."""

    def __init__(
        self, app: ASGIApp, endpoints: Mapping[str, Endpoint], handlers: Mapping[type[Exception], ExceptionHandler]
    ) -> None:
        """Wrap an app.

        Args:
            app: what handles all other requests.
            endpoints: what answers a POST to a path.
            handlers: what answers if an endpoint raises, as the app has them.
        """
        self.app = app
        self.direct = {
            path: ExceptionMiddleware(partial(_answer, endpoint), handlers) for path, endpoint in endpoints.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self.direct.get(scope["path"]) if scope.get("method") == "POST" else None
        await (direct or self.app)(scope, receive, send)


async def _answer(endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
    response = await endpoint(Request(scope, receive))
    await response(scope, receive, send)
