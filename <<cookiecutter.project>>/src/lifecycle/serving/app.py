"""The HTTP interface: the endpoints of a server."""

import itertools
import json
import time
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, FailFast, Field, create_model

from lifecycle.core import user_code
from lifecycle.core.config import Params
from lifecycle.core.times import now
from lifecycle.prediction_log.writer import FEEDBACK
from lifecycle.serving import error_responses, status
from lifecycle.serving.api_schemas import (
    PROBLEMS,
    Feedback,
    Invalid,
    Problem,
    answer_model,
    describe_bodies,
    openapi_of,
    read_headers,
)
from lifecycle.serving.direct_routes import DirectRoutes, Endpoint
from lifecycle.serving.drain_state import DrainState
from lifecycle.serving.middleware import RequestGuard
from lifecycle.serving.pending_request import Row, content_id
from lifecycle.serving.refusal_recorder import RefusalRecorder
from lifecycle.serving.registry_watcher import RegistryWatcher
from lifecycle.serving.router import Router
from lifecycle.serving.settings import Server
from lifecycle.serving.tokens import Tokens
from lifecycle.serving.version_metrics import VersionMetrics


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
    app = FastAPI(
        title=params.track.model,
        description=user_code.description(params.package),
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # to look for it takes a tenth of a request's time
    )
    # The first row that is wrong is enough: to list ten thousand of them takes long.
    records = Annotated[list[record], FailFast(), Field(min_length=1, max_length=settings.max_rows)]  # type: ignore[valid-type]
    batch = create_model("Batch", __config__=ConfigDict(extra="forbid"), records=(records, ...))
    refused = RefusalRecorder(watcher.router, record, settings.log_refused_values)
    direct = _add_predict(app, params, record, batch, watcher.router, refused)
    _add_feedback(app, label, watcher.router)
    _add_status(app, watcher, drain)
    error_responses.add_to(app)
    watcher.router.recorder.metrics.registry.register(VersionMetrics(watcher.router))
    max_bytes, metrics = int(settings.max_megabytes * 1e6), watcher.router.recorder.metrics
    paths = {route.path for route in app.routes}  # type: ignore[attr-defined]
    server = watcher.router.recorder.log.server
    app.add_middleware(DirectRoutes, endpoints=direct, handlers=app.exception_handlers)
    app.add_middleware(
        RequestGuard,
        tokens=tokens,
        max_bytes=max_bytes,
        metrics=metrics,
        paths=paths,
        drain=drain,
        access_log=settings.access_log,
        tracing=watcher.router.recorder.tracing,
        generated_ids=(f"{server}-{number}" for number in itertools.count()),
    )
    describe_bodies(app, batch, watcher.router.example, bool(tokens))
    return app


def _add_predict(
    app: FastAPI,
    params: Params,
    record: type[BaseModel],
    batch: type[BaseModel],
    router: Router,
    refused: RefusalRecorder,
) -> dict[str, Endpoint]:
    """Add the endpoints that score rows, and return them by path. They validate their body as they parse it, which halves the cost."""
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
        sent = await request.body()
        with refused.recording(request_id, sent):
            body = record.model_validate_json(sent)
        (content,) = await router.answer([row(body, request_id, since, request.scope["traceparent"])], version)
        return Response(content, media_type="application/json")

    @app.post("/predict/batch", **openapi_of(batch, answers), summary="Answer many rows")
    async def predict_batch(request: Request) -> Response:
        since = time.perf_counter()
        request_id, version = read_headers(request)
        sent = await request.body()
        with refused.recording(request_id, sent, batch=True):
            body = batch.model_validate_json(sent)
        trace = request.scope["traceparent"]
        rows = [row(model, f"{request_id}-{place}", since, trace) for place, model in enumerate(body.records)]  # type: ignore[attr-defined]
        contents = await router.answer(rows, version)
        return Response(b'{"predictions":[%s]}' % b",".join(contents), media_type="application/json")

    return {"/predict": predict, "/predict/batch": predict_batch}


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
        router.recorder.write([line.encode() + b"\n"], moment[:10], FEEDBACK)
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
