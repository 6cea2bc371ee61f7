"""What the HTTP interface takes and gives, as OpenAPI describes it."""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, create_model

from lifecycle.core.config import Params

ID = r"[\w.-]{1,64}"
SHOWN = 20  # mistakes in one answer
HEADERS = [
    {
        "name": "X-Request-ID",
        "in": "header",
        "description": "yours, to find the answer in the log; without it one is made up",
        "schema": {"type": "string", "pattern": f"^{ID}$"},
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
    status: {"model": Problem} for status in (400, 401, 408, 409, 413, 415, 500, 503)
}


class Feedback(BaseModel):
    """What has become of a row that was answered."""

    model_config = ConfigDict(extra="forbid", strict=True)
    request_id: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")
    ]  # a row's of a batch is longer than the batch's
    label: Any


def described(body: type[BaseModel], answer: type[BaseModel]) -> dict[str, Any]:
    """Return what OpenAPI says of an endpoint that reads its body itself; the body's model has to be among its components."""
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {
        "responses": PROBLEMS | {200: {"model": answer}, 422: {"model": Invalid}},
        "openapi_extra": {
            "parameters": HEADERS,
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        },
    }


def asked_for(request: Request, made_up: Iterator[str]) -> tuple[str, int | None]:
    """Return the id of a request, its own or one that is made up, and the version that it insists on, if any.

    Raises HTTPException 422 if they are none.
    """
    request_id, version = request.headers.get("x-request-id"), request.headers.get("x-model-version")
    if request_id is None:
        request_id = next(made_up)
    elif not re.fullmatch(ID, request_id, re.ASCII):
        raise HTTPException(
            422, [invalid(("header", "X-Request-ID"), "must be 1 to 64 letters, digits, '.', '_' or '-'")]
        )
    if version is not None and not re.fullmatch("[1-9][0-9]{0,9}", version):
        raise HTTPException(422, [invalid(("header", "X-Model-Version"), "must be the number of a version")])
    return request_id, int(version) if version else None


def invalid(where: Iterable[Any], what: str, kind: str = "value_error") -> dict[str, Any]:
    """Return a mistake in FastAPI's form, without what was sent."""
    return {"loc": [str(part)[:100] for part in where], "msg": what[:300], "type": kind}


def answer_model(params: Params) -> type[BaseModel]:
    """Return the model of an answer."""
    fields: dict[str, Any] = {"request_id": (str, ...), "model_version": (int, ...)}
    label = type(params.data.positive) if params.task == "binary" else str | int | float | bool
    match params.task:
        case "regression":
            fields |= {"prediction": (float, ...)}
        case "binary":
            fields |= {
                "label": (label, ...),
                "probability": (float, Field(ge=0, le=1, description=f"of {params.data.positive}")),
            }
        case _:
            fields |= {"label": (label, ...), "probabilities": (dict[str, float], ...)}
    return create_model("Answer", __config__=ConfigDict(protected_namespaces=()), **fields)
