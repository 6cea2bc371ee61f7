"""The HTTP interface: what can be asked of a server, and what it answers."""

import itertools
import json
import time
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
    SHOWN,
    Feedback,
    Invalid,
    Problem,
    answer_model,
    asked_for,
    described,
    invalid,
)
from lifecycle.serving.middleware import Guard
from lifecycle.serving.model_process import ModelError, ProcessGoneError
from lifecycle.serving.registry_watcher import Watcher
from lifecycle.serving.router import NotReadyError, NotServedError, Row
from lifecycle.serving.settings import Server

SAID: dict[type[Exception], str] = {
    ModelError: "the model cannot answer this",
    ProcessGoneError: "the model cannot answer this",
    LogError: "the answer cannot be written down, so it is not given: try again later",
}


def make_app(
    params: Params, settings: Server, record: type[BaseModel], label: Any, watcher: Watcher, token: str | None
) -> FastAPI:
    """Return the app.

    Args:
        record: the model of a row.
        label: the type of a row's label.
        watcher: knows what is served, and keeps it up to date.
        token: what everybody but the health checks has to send, if anything.
    """
    router, counters = watcher.router, watcher.router.account.counters
    app = FastAPI(
        title=params.track.model,
        description=user_code.description(params.package),
        lifespan=watcher.lifespan,
    )
    answer = answer_model(params)
    id_field = next(name for name, field in record.model_fields.items() if field.alias == params.data.id)
    # The first row that is wrong is enough: ten thousand of them would take their time.
    many = Annotated[list[record], FailFast(), Field(min_length=1, max_length=settings.max_rows)]  # type: ignore[valid-type]
    batch = create_model("Batch", __config__=ConfigDict(extra="forbid"), records=(many, ...))
    answers = create_model("Answers", predictions=(list[answer], ...))  # type: ignore[valid-type]
    labelled = create_model("Feedback", __base__=Feedback, label=(label, ...))
    made_up = (f"{router.account.log.server}-{number}" for number in itertools.count())

    # These two read their body themselves: it is validated as it is parsed, which halves what a request costs.
    def row(asked: BaseModel, request_id: str, since: float) -> Row:
        key = getattr(asked, id_field)
        content = asked.__pydantic_serializer__.to_json(asked, by_alias=True)
        return Row(request_id, request_id if key is None else str(key), content, since)

    @app.post("/predict", **described(record, answer), summary="Answer one row")
    async def predict(request: Request) -> Response:
        since = time.perf_counter()
        request_id, version = asked_for(request, made_up)
        asked = record.model_validate_json(await request.body())
        (found,) = await router.answer([row(asked, request_id, since)], version)
        return Response(found, media_type="application/json")

    @app.post("/predict/batch", **described(batch, answers), summary="Answer many rows")
    async def predict_batch(request: Request) -> Response:
        since = time.perf_counter()
        request_id, version = asked_for(request, made_up)
        asked = batch.model_validate_json(await request.body())
        rows = [row(one, f"{request_id}-{place}", since) for place, one in enumerate(asked.records)]  # type: ignore[attr-defined]
        found = await router.answer(rows, version)
        return Response(b'{"predictions":[%s]}' % b",".join(found), media_type="application/json")

    @app.post(
        "/feedback",
        responses=PROBLEMS | {422: {"model": Invalid}},
        status_code=204,
        summary="Say what has become of a row",
    )
    async def feedback(asked: labelled) -> Response:  # type: ignore[valid-type]
        moment = now().isoformat(timespec="milliseconds")
        line = json.dumps({"time": moment, "request_id": asked.request_id, "label": asked.label})  # type: ignore[attr-defined]
        router.account.log.write([line.encode() + b"\n"], moment[:10], FEEDBACK)
        return Response(status_code=204)

    @app.get("/model", summary="What is served, since when, and what is wrong")
    async def model() -> dict[str, Any]:
        return status.status(watcher)

    @app.get("/health/live", summary="Is the process alive?")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/health/ready", responses={503: {"model": Problem}}, summary="Is there a model to answer?")
    async def ready() -> Response:
        good, wrong = status.readiness(watcher)
        if not good:
            return JSONResponse({"detail": "; ".join(wrong)}, 503)
        return JSONResponse({"status": "ready", "problems": wrong})

    @app.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(generate_latest(counters.registry), media_type=CONTENT_TYPE_LATEST)

    for route in app.routes:  # nothing to be solved there for FastAPI, which would take a quarter of the server's time
        if isinstance(route, APIRoute) and route.endpoint in (predict, predict_batch):
            route.app = request_response(route.endpoint)
    paths = {route.path for route in app.routes}  # type: ignore[attr-defined]
    app.add_middleware(Guard, token=token, limit=int(settings.max_megabytes * 1e6), counters=counters, paths=paths)
    _add_handlers(app)
    _describe(app, batch, watcher, token)
    return app


def _add_handlers(app: FastAPI) -> None:
    """Turn what goes wrong into a sentence: nobody sees a stack trace, and nothing of a request is repeated."""

    @app.exception_handler(RequestValidationError)
    @app.exception_handler(ValidationError)
    async def not_valid(request: Request, error: RequestValidationError | ValidationError) -> Response:
        body: tuple[str, ...]
        if isinstance(error, ValidationError):
            body, wrong = ("body",), error.errors(include_url=False, include_context=False, include_input=False)
        else:
            body, wrong = (), list(error.errors())
        found = [invalid((*body, *item["loc"]), item["msg"], item["type"]) for item in wrong[:SHOWN]]
        return JSONResponse({"detail": found}, 422)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # to nobody

    for kind, number in ((NotServedError, 409), (NotReadyError, 503), (ModelError, 500), (LogError, 503)):

        @app.exception_handler(kind)
        async def failed(request: Request, error: Exception, number: int = number) -> Response:
            said = SAID.get(type(error), str(error))
            return JSONResponse({"detail": said}, number)


def _describe(app: FastAPI, batch: type[BaseModel], watcher: Watcher, token: str | None) -> None:
    """Give OpenAPI what FastAPI has not read itself, with a row of the test split as an example, and say that a token is needed."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        found = plain()
        described = batch.model_json_schema(ref_template="#/components/schemas/{model}")
        found["components"]["schemas"] |= described.pop("$defs") | {batch.__name__: described}
        served = watcher.router.roles.answering
        if served and served.known:
            found["components"]["schemas"]["Record"]["examples"] = served.known[:1]
        if token:
            found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"token": []}]
        return found

    app.openapi = openapi  # type: ignore[method-assign]
