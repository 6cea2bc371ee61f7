"""What a server answers if a request is wrong, or something else is."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from lifecycle.prediction_log.writer import LogError
from lifecycle.serving.api_schemas import mistake
from lifecycle.serving.model_process import ModelError, ProcessGoneError
from lifecycle.serving.router import NotReadyError, NotServedError

MAX_MISTAKES = 20  # in one response
# The text of a model's error may hold what was sent, that of the log's a path.
PUBLIC_MESSAGES: dict[type[Exception], str] = {
    ModelError: "the model failed on this request",
    ProcessGoneError: "the model failed on this request",
    LogError: "the prediction log cannot be written, so no answer is given: try again later",
}


def add_to(app: FastAPI) -> None:
    """Turn errors into a sentence: no response has a stack trace, or repeats what was sent."""

    @app.exception_handler(RequestValidationError)
    @app.exception_handler(ValidationError)
    async def invalid(request: Request, error: RequestValidationError | ValidationError) -> Response:
        prefix: tuple[str, ...]
        if isinstance(error, ValidationError):
            prefix, errors = ("body",), error.errors(include_url=False, include_context=False, include_input=False)
        else:
            prefix, errors = (), list(error.errors())
        detail = [mistake((*prefix, *item["loc"]), item["msg"], item["type"]) for item in errors[:MAX_MISTAKES]]
        return JSONResponse({"detail": detail}, 422)

    @app.exception_handler(ClientDisconnect)
    async def disconnected(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody reads it

    for kind, code in ((NotServedError, 409), (NotReadyError, 503), (ModelError, 500), (LogError, 503)):
        app.add_exception_handler(kind, _error_response(code))


def _error_response(code: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def respond(request: Request, error: Exception) -> Response:
        return JSONResponse({"detail": PUBLIC_MESSAGES.get(type(error), str(error))}, code)

    return respond
