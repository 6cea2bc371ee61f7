"""The HTTP interface: the endpoints of a server and its error responses."""

import itertools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, request_response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, create_model
from starlette.requests import ClientDisconnect

from lifecycle.core import user_code
from lifecycle.core.config import Params
from lifecycle.core.times import now
from lifecycle.prediction_log.writer import FEEDBACK, LogError
from lifecycle.serving import status
from lifecycle.serving.api_schemas import (
    PROBLEMS,
    Feedback,
    Invalid,
    Problem,
    answer_model,
    describe_bodies,
    mistake,
    openapi_of,
    read_headers,
)
from lifecycle.serving.drain_state import DrainState
from lifecycle.serving.middleware import RequestGuard
from lifecycle.serving.model_process import ModelError, ProcessGoneError
from lifecycle.serving.pending_request import Row, content_id
from lifecycle.serving.registry_watcher import RegistryWatcher
from lifecycle.serving.router import NotReadyError, NotServedError, Router
from lifecycle.serving.settings import Server
from lifecycle.serving.tokens import Tokens

MAX_MISTAKES = 20  # in one response
# The text of a model's error may hold what was sent, that of the log's a path.
PUBLIC_MESSAGES: dict[type[Exception], str] = {
    ModelError: "the model failed on this request",
    ProcessGoneError: "the model failed on this request",
    LogError: "the prediction log cannot be written, so no answer is given: try again later",
}


def make_app(
    params: Params,
    settings: Server,
    record: type[BaseModel],
    label: Any,
    watcher: RegistryWatcher,
    tokens: Tokens,
    drain: DrainState,
) -> FastAPI:
    """Return the app.

    Args:
        params: of the repo that the server runs in.
        settings: limits of requests.
        record: the model of a row.
        label: the type of a row's label.
        watcher: keeps what is served up to date.
        tokens: what requests have to send, if anything.
        drain: of this server.
    """
    app = FastAPI(title=params.track.model, description=user_code.description(params.package))
    # The first row that is wrong is enough: to list ten thousand of them takes long.
    records = Annotated[list[record], FailFast(), Field(min_length=1, max_length=settings.max_rows)]  # type: ignore[valid-type]
    batch = create_model("Batch", __config__=ConfigDict(extra="forbid"), records=(records, ...))
    _add_predict(app, params, record, batch, watcher.router)
    _add_feedback(app, label, watcher.router)
    _add_status(app, watcher, drain)
    _add_error_handlers(app)
    max_bytes, metrics = int(settings.max_megabytes * 1e6), watcher.router.recorder.metrics
    paths = {route.path for route in app.routes}  # type: ignore[attr-defined]
    server = watcher.router.recorder.log.server
    app.add_middleware(
        RequestGuard,
        tokens=tokens,
        max_bytes=max_bytes,
        metrics=metrics,
        paths=paths,
        drain=drain,
        generated_ids=(f"{server}-{number}" for number in itertools.count()),
    )
    describe_bodies(app, batch, watcher.router.example, bool(tokens))
    return app


def _add_predict(app: FastAPI, params: Params, record: type[BaseModel], batch: type[BaseModel], router: Router) -> None:
    """Add the endpoints that score rows. They read their body themselves: it is validated as it is parsed, which halves the cost."""
    answer = answer_model(params)
    answers = create_model("Answers", predictions=(list[answer], ...))  # type: ignore[valid-type]
    id_field = next(name for name, field in record.model_fields.items() if field.alias == params.data.id)

    def row(model: BaseModel, request_id: str, since: float, trace: bytes) -> Row:
        row_id = getattr(model, id_field)
        content = model.__pydantic_serializer__.to_json(model, by_alias=True)
        return Row(request_id, content_id(content) if row_id is None else str(row_id), content, since, trace)

    @app.post("/predict", **openapi_of(record, answer), summary="Answer one row")
    async def predict(request: Request) -> Response:
        since = time.perf_counter()
        request_id, version = read_headers(request)
        body = record.model_validate_json(await request.body())
        (content,) = await router.answer([row(body, request_id, since, request.scope["traceparent"])], version)
        return Response(content, media_type="application/json")

    @app.post("/predict/batch", **openapi_of(batch, answers), summary="Answer many rows")
    async def predict_batch(request: Request) -> Response:
        since = time.perf_counter()
        request_id, version = read_headers(request)
        body = batch.model_validate_json(await request.body())
        trace = request.scope["traceparent"]
        rows = [row(model, f"{request_id}-{place}", since, trace) for place, model in enumerate(body.records)]  # type: ignore[attr-defined]
        contents = await router.answer(rows, version)
        return Response(b'{"predictions":[%s]}' % b",".join(contents), media_type="application/json")

    # Without FastAPI's handling of parameters, of which these have none: it takes a quarter of the server's time.
    for route in app.routes:
        if isinstance(route, APIRoute) and route.endpoint in (predict, predict_batch):
            route.app = request_response(route.endpoint)


def _add_feedback(app: FastAPI, label: Any, router: Router) -> None:
    typed_feedback = create_model("Feedback", __base__=Feedback, label=(label, ...))

    @app.post(
        "/feedback",
        responses=PROBLEMS | {422: {"model": Invalid}},
        status_code=204,
        summary="Report the actual outcome of a row",
    )
    async def feedback(body: typed_feedback) -> Response:  # type: ignore[valid-type]
        moment = now().isoformat(timespec="milliseconds")
        line = json.dumps({"time": moment, "request_id": body.request_id, "label": body.label})  # type: ignore[attr-defined]
        router.recorder.log.write([line.encode() + b"\n"], moment[:10], FEEDBACK)
        return Response(status_code=204)


def _add_status(app: FastAPI, watcher: RegistryWatcher, drain: DrainState) -> None:
    @app.get("/model", summary="What is served, since when, and what is wrong")
    async def model() -> dict[str, Any]:
        return status.status(watcher)

    @app.head("/health/live", include_in_schema=False)
    @app.get("/health/live", summary="Is the process alive?")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.head("/health/ready", include_in_schema=False)
    @app.get("/health/ready", responses={503: {"model": Problem}}, summary="Is there a model to answer?")
    async def ready() -> Response:
        is_ready, problems = status.readiness(watcher, drain)
        if not is_ready:
            return JSONResponse({"detail": "; ".join(problems)}, 503)
        return JSONResponse({"status": "ready", "problems": problems})

    @app.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(generate_latest(watcher.router.recorder.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _add_error_handlers(app: FastAPI) -> None:
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
