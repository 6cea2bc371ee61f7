"""What may be asked is what the contract says."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from pydantic import BaseModel, ValidationError

from lifecycle.core import contract
from lifecycle.core.config import Params
from lifecycle.core.records import to_records
from lifecycle.core.row_model import record_model

CONTRACT = """
schema_type: dataframe
columns:
  key: {dtype: str, unique: true, str_matches: '^K\\d+$'}
  outcome: {dtype: category, isin: [a, b]}
  whole: {dtype: int8, in_range: {min_value: 0, max_value: 100, include_max: false}}
  step: {dtype: int64, isin: [1, 2, 4]}
  share: {dtype: float64, nullable: true, greater_than: 0, less_than_or_equal_to: 1, mean_between: {min_value: 0.4, max_value: 0.6}}
  kind: {dtype: category, isin: [red, green]}
  open: {dtype: bool}
  since: {dtype: 'datetime64[ns]', nullable: true}
  text: {dtype: str, str_length: {min_value: 2, max_value: 5}, notin: [none]}
  code with a space: {dtype: Int64, nullable: true, not_equal_to: 13}
  '50 % "of" it': {dtype: boolean, nullable: true}
  __index_level_0__: {dtype: 'datetime64[ns, UTC]', in_range: {min_value: '2020-01-01T00:00:00Z', max_value: '2030-01-01T00:00:00Z'}}
  size: {dtype: category, isin: ['None', '1E5', 'No']}
  left out: {dtype: int64}
  worth: {dtype: float64}
"""
GOOD: dict[str, Any] = {
    "key": "K1", "whole": 5, "step": 2, "share": 0.5, "kind": "red", "open": True, "since": "2026-01-31T12:00:00",
    "text": "some", "code with a space": 7, '50 % "of" it': None, "__index_level_0__": "2026-01-31T12:00:00+01:00", "size": "1E5",
    "left out": 3, "worth": 1.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, params: Params) -> type[BaseModel]:
    path: Path = tmp_path_factory.mktemp("contract") / "contract.yaml"
    path.write_text(CONTRACT)
    data = params.data.model_copy(update={"id": "key", "target": "outcome", "exclude": ["left out"], "weight": "worth"})
    return record_model(contract.load(path, params.package), params.model_copy(update={"data": data}))


def test_a_good_record_is_taken_as_it_is(record: type[BaseModel]) -> None:
    asked = record.model_validate_json(json.dumps(GOOD))

    assert json.loads(asked.model_dump_json(by_alias=True)) == GOOD


@pytest.mark.parametrize(
    "change",
    [{"share": None}, {"since": None}, {"code with a space": None}, {"key": None}, {"whole": 0}, {"whole": 99}, {"share": 1},
     {"since": "2026-01-31"}, {"left out": None}, {'50 % "of" it': True}, {"size": "None"}],
)  # fmt: skip
def test_what_the_contract_allows_is_taken(record: type[BaseModel], change: dict[str, Any]) -> None:
    record.model_validate_json(json.dumps(GOOD | change))


@pytest.mark.parametrize("column", ["whole", "step", "code with a space", "left out"])
def test_a_whole_number_may_be_written_with_a_point(record: type[BaseModel], column: str) -> None:
    asked = record.model_validate_json(json.dumps(GOOD | {column: 2.0}))

    assert json.loads(asked.model_dump_json(by_alias=True)) == GOOD | {column: 2}
    assert f'"{column}":2,' in asked.model_dump_json(by_alias=True)


@pytest.mark.parametrize("column", ["key", "left out", "worth"])
def test_the_id_and_what_the_model_is_not_given_may_be_left_out(record: type[BaseModel], column: str) -> None:
    record.model_validate_json(json.dumps({name: value for name, value in GOOD.items() if name != column}))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("key", "X1"), ("key", 1),
        ("outcome", "a"),
        ("whole", 100), ("whole", -1), ("whole", 1.5), ("whole", 100.0), ("whole", -1.0), ("whole", 1e300), ("whole", "5"), ("whole", "5.0"), ("whole", True), ("whole", None), ("whole", 10**30),
        ("step", 3), ("step", 3.0), ("step", True), ("step", "1"),
        ("share", 0), ("share", 1.01), ("share", "0.5"), ("share", float("nan")), ("share", float("inf")),
        ("kind", "blue"), ("kind", None), ("kind", 1),
        ("open", 1), ("open", "true"),
        ("since", 5), ("since", "yesterday"), ("since", "9999-12-31"), ("since", "2026-01-31T12:00:00Z"),
        ("text", "x"), ("text", "longer"), ("text", "none"), ("text", "\ud800x"),
        ("code with a space", 13), ('50 % "of" it', 1), ("size", "none"), ("left out", "3"),
        ("__index_level_0__", "2026-01-31T12:00:00"), ("__index_level_0__", "2019-01-31T12:00:00Z"),
        ("another", 1),
    ],
)  # fmt: skip
def test_what_the_contract_refuses_is_refused_by_name(record: type[BaseModel], column: str, value: Any) -> None:
    with pytest.raises(ValidationError) as error:
        record.model_validate_json(json.dumps(GOOD | {column: value}))

    assert {item["loc"][:1] for item in error.value.errors()} <= {(column,), ()}


@pytest.mark.parametrize("column", [name for name in GOOD if name not in ("key", "left out", "worth")])
def test_a_missing_column_is_named(record: type[BaseModel], column: str) -> None:
    with pytest.raises(ValidationError) as error:
        record.model_validate_json(json.dumps({name: value for name, value in GOOD.items() if name != column}))

    assert [(item["loc"], item["type"]) for item in error.value.errors()] == [((column,), "missing")]


def test_openapi_says_what_the_contract_says(record: type[BaseModel]) -> None:
    properties = record.model_json_schema()["properties"]

    assert set(properties) == set(GOOD)
    assert properties["step"]["enum"] == [1, 2, 4]
    assert properties["kind"]["enum"] == ["red", "green"]
    assert (properties["whole"]["minimum"], properties["whole"]["exclusiveMaximum"]) == (0, 100)


def test_every_row_that_keeps_the_contract_may_be_asked(
    schema: pa.DataFrameSchema, params: Params, table: pd.DataFrame, inputs: list[str]
) -> None:
    columns = {name: {"dtype": str(schema.columns[name].dtype)} for name in [params.data.id, *inputs]}
    asked = record_model(schema, params)

    for one in to_records(table, columns):
        asked.model_validate_json(json.dumps(one))
