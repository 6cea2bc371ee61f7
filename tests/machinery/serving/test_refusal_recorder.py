"""What is written of a refused request: column, rule and kind of value, and of the values themselves nothing unless asked for."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, create_model

from lifecycle.core.row_model import Strict
from lifecycle.prediction_log.private_columns import Redaction, is_hashed
from lifecycle.prediction_log.writer import Log
from lifecycle.serving.answer_recorder import AnswerRecorder
from lifecycle.serving.prometheus_metrics import ServerMetrics
from lifecycle.serving.refusal_recorder import RefusalRecorder

RECORD = create_model(
    "Record",
    __base__=Strict,
    column_0=(Literal["basic", "extra"], Field(alias="the plan")),
    column_1=(Annotated[float, Field(ge=0)] | None, Field(alias="amount")),
)
BATCH = create_model("Batch", records=(list[RECORD], ...))  # type: ignore[valid-type]
GOOD = {"the plan": "basic", "amount": 1.5}


def refused(
    folder: Path,
    body: Any,
    model: type[BaseModel] = RECORD,
    with_values: bool = False,
    redaction: Redaction | None = None,
) -> dict[str, Any]:
    answers = AnswerRecorder("production", Log(folder), ServerMetrics(), redaction)
    router: Any = SimpleNamespace(recorder=answers, roles=SimpleNamespace(answering=SimpleNamespace(version=7)))
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    recorder = RefusalRecorder(router, RECORD, with_values)
    with pytest.raises(ValidationError), recorder.recording("r1", content, batch=model is BATCH):
        model.model_validate_json(content)
    (path,) = folder.glob("*/*.refused.jsonl")
    result: dict[str, Any] = json.loads(path.read_text())
    first = {name: result["mistakes"][0][name] for name in ("column", "rule")}
    assert answers.metrics.registry.get_sample_value("serving_rows_refused_total", first) == result["rows"]
    return result


@pytest.mark.parametrize(
    ("change", "column", "rule", "value"),
    [
        ({"the plan": "secret"}, "the plan", "literal_error", "text"),
        ({"the plan": None}, "the plan", "literal_error", "null"),
        ({"amount": "secret"}, "amount", "float_type", "text"),
        ({"amount": True}, "amount", "float_type", "boolean"),
        ({"amount": -1}, "amount", "greater_than_equal", "integer"),
        ({"amount": -1.5}, "amount", "greater_than_equal", "number"),
        ({"amount": [1]}, "amount", "float_type", "list"),
        ({"secret": 1}, "", "extra_forbidden", "object"),
    ],
)
def test_a_mistake_is_named_and_the_value_is_not(
    tmp_path: Path, change: dict[str, Any], column: str, rule: str, value: str
) -> None:
    found = refused(tmp_path, GOOD | change)

    assert found["mistakes"] == [{"column": column, "rule": rule, "value": value}]
    assert (found["role"], found["version"], found["request_id"], found["rows"]) == ("production", 7, "r1", 1)
    assert "secret" not in json.dumps(found)


def test_every_missing_column_is_named(tmp_path: Path) -> None:
    names = [(mistake["column"], mistake["value"]) for mistake in refused(tmp_path, {})["mistakes"]]

    assert names == [("the plan", "missing"), ("amount", "missing")]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b"null"])
def test_what_is_no_record_is_a_mistake_of_no_column(tmp_path: Path, body: bytes) -> None:
    assert {mistake["column"] for mistake in refused(tmp_path, body)["mistakes"]} == {""}


def test_a_batch_is_refused_with_all_its_rows(tmp_path: Path) -> None:
    found = refused(tmp_path, {"records": [GOOD, GOOD | {"the plan": "new"}, GOOD]}, BATCH)

    assert (found["rows"], found["mistakes"][0]["column"]) == (3, "the plan")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"records": 7}', b"{}"])
def test_a_batch_whose_rows_nobody_can_count_is_one(tmp_path: Path, body: bytes) -> None:
    assert refused(tmp_path, body, BATCH)["rows"] == 1


def test_values_are_written_if_asked_for_and_cut(tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path, GOOD | {"the plan": "new" * 100}, with_values=True)["mistakes"]

    assert mistake["sent"].startswith('"newnew')
    assert len(mistake["sent"]) == 100


def test_a_log_that_cannot_be_written_does_not_hide_the_mistake_from_the_client(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answers = AnswerRecorder("production", Log(tmp_path / "file"), ServerMetrics())
    router: Any = SimpleNamespace(recorder=answers, roles=SimpleNamespace(answering=None))

    with pytest.raises(ValidationError), RefusalRecorder(router, RECORD, False).recording("r1", b"{"):
        RECORD.model_validate_json(b"{")

    assert answers.log.problem
    assert answers.metrics.registry.get_sample_value("serving_log_failures_total") == 1


def test_values_of_private_columns_are_not_written_even_if_values_are(tmp_path: Path) -> None:
    wrong = {"the plan": "secret", "amount": "secret"}
    redaction = Redaction({"the plan": "omit", "amount": "hash"}, b"a key")

    plan, amount = refused(tmp_path, wrong, with_values=True, redaction=redaction)["mistakes"]

    assert plan == {"column": "the plan", "rule": "literal_error", "value": "text"}
    assert is_hashed(json.loads(amount["sent"]))
