"""Record requests whose rows break the contract in the prediction log: why, but not what was sent, unless the settings ask for it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from lifecycle.core.times import now
from lifecycle.prediction_log.writer import REFUSED, LogError
from lifecycle.serving.router import Router

MAX_MISTAKES = 20  # of one request
MAX_VALUE = 100  # characters of a value, as JSON
KINDS = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
    list: "list",
    dict: "object",
}


class RefusalRecorder:
    """Writes a line for each request that is refused for its rows."""

    def __init__(self, router: Router, record: type[BaseModel], with_values: bool) -> None:
        """Record refusals.

        Args:
            router: whose log is written to, and whose version would have answered.
            record: the model of a row.
            with_values: whether the values that were refused are written, too.
        """
        self.router, self.with_values = router, with_values
        self.columns = {field.alias or name for name, field in record.model_fields.items()}

    @contextmanager
    def recording(self, request_id: str, body: bytes, batch: bool = False) -> Iterator[None]:
        """Record it if the block raises ValidationError. If the log cannot be written, the client is told of its mistake all the same."""
        try:
            yield
        except ValidationError as error:
            mistakes = self._mistakes(error)
            rows = _row_count(body) if batch else 1
            recorder = self.router.recorder
            recorder.metrics.rows_refused.labels(mistakes[0]["column"], mistakes[0]["rule"]).inc(rows)
            answering, moment = self.router.roles.answering, now().isoformat(timespec="milliseconds")
            refusal = {
                "time": moment,
                "role": recorder.role,
                "version": answering.version if answering else 0,
                "request_id": request_id,
                "rows": rows,
                "mistakes": mistakes,
            }
            with suppress(LogError):  # which /health/ready and /model report
                recorder.write([json.dumps(refusal).encode() + b"\n"], moment[:10], REFUSED)
            raise

    def _mistakes(self, error: ValidationError) -> list[dict[str, str]]:
        mistakes = []
        for item in error.errors(include_url=False, include_context=False)[:MAX_MISTAKES]:
            column = next((name for name in map(str, item["loc"]) if name in self.columns), "")
            mistake = {"column": column, "rule": item["type"], "value": _kind(item["type"], item["input"])}
            redaction = self.router.recorder.redaction
            omitted = redaction is not None and redaction.omits(column)
            if self.with_values and column and item["type"] != "missing" and not omitted:
                sent = redaction.value(column, item["input"]) if redaction else item["input"]
                mistake["sent"] = json.dumps(sent, default=str)[:MAX_VALUE]
            mistakes.append(mistake)
        return mistakes


def _kind(rule: str, value: Any) -> str:
    return "missing" if rule == "missing" else KINDS.get(type(value), "text")


def _row_count(body: bytes) -> int:
    """The rows of a batch; 1 if nobody can tell."""
    try:
        records = orjson.loads(body)["records"]
    except (ValueError, KeyError, TypeError):
        return 1
    return max(1, len(records)) if isinstance(records, list) else 1
