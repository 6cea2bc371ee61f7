"""What the HTTP interface accepts and returns, as OpenAPI describes it."""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, create_model

from lifecycle.core import predict_response
from lifecycle.core.config import Params
from lifecycle.serving.request_identity import REQUEST_ID

HEADERS = [
    {
        "name": "X-Request-ID",
        "in": "header",
        "description": "your id for the request, to find its answer in the log; generated if left out; in every response",
        "schema": {"type": "string", "pattern": f"^{REQUEST_ID}$"},
    },
    {
        "name": "X-Model-Version",
        "in": "header",
        "description": "answer with this version; 409 if it is not served here",
        "schema": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
    },
]


class Problem(BaseModel):
    """What is wrong, in one sentence."""

    detail: str


class Mistake(BaseModel):
    """Where something is wrong, and what."""

    loc: list[str]
    msg: str
    type: str


class Invalid(BaseModel):
    """What is wrong with a request."""

    detail: list[Mistake]


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 403, 408, 409, 413, 415, 500, 503)
}


class Feedback(BaseModel):
    """The actual outcome of a row that was answered."""

    model_config = ConfigDict(extra="forbid", strict=True)
    # Longer than REQUEST_ID: a row of a batch has its place in the batch behind the request's id.
    request_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]
    label: Any


def openapi_of(body: type[BaseModel], answer: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI options of an endpoint that reads its body itself; `describe_bodies` adds the body's schema."""
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {
        "responses": PROBLEMS | {200: {"model": answer}, 422: {"model": Invalid}},
        "openapi_extra": {
            "parameters": HEADERS,
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        },
    }


def describe_bodies(app: FastAPI, batch: type[BaseModel], example: Callable[[], Any], token: bool) -> None:
    """Complete the app's OpenAPI document with what FastAPI cannot see.

    Args:
        app: its `openapi` is replaced.
        batch: the model of a batch; that of a record is part of it.
        example: returns a record to show, or None if there is none yet.
        token: whether requests need one.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document["components"]["schemas"]
        schema = batch.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs") | {batch.__name__: schema}
        if record := example():
            schemas["Record"]["examples"] = [record]
        if token:
            document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"token": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def read_headers(request: Request) -> tuple[str, int | None]:
    """Return a request's id and the version that it names, if any.

    Raises HTTPException 422 if one of them is malformed.
    """
    headers, request_id = dict(request.scope["headers"]), request.scope["request_id"]
    version = headers.get(b"x-model-version")
    if headers.get(b"x-request-id", request_id.encode()) != request_id.encode():
        message = "must be 1 to 64 letters, digits, '.', '_' or '-'"
        raise HTTPException(422, [mistake(("header", "X-Request-ID"), message)])
    if version is not None and not re.fullmatch(b"[1-9][0-9]{0,9}", version):
        raise HTTPException(422, [mistake(("header", "X-Model-Version"), "must be a version number")])
    return request_id, int(version) if version else None


def mistake(location: Iterable[Any], message: str, kind: str = "value_error") -> dict[str, Any]:
    """Return a mistake in FastAPI's form, without the value that was sent."""
    return {"loc": [str(name)[:100] for name in location], "msg": message[:300], "type": kind}


def answer_model(params: Params) -> type[BaseModel]:
    """Return the model of an answer."""
    own: dict[str, Any] = {"request_id": (str, ...), "model_version": (int, ...)}
    response = predict_response.fields(params)
    return create_model("Answer", __config__=ConfigDict(protected_namespaces=()), **own, **response)
