"""Checks that the user's checks.py defines are used wherever the contract is."""

from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from lifecycle.core import contract
from lifecycle.core.column_checks import value_check
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.row_model import record_model

PACKAGE = "has_checks"
CHECKS = """
from lifecycle.core.column_checks import column_check, value_check


@value_check
def multiple_of(column, *, step):
    return column % step == 0


@column_check
def median_below(column, *, limit):
    return bool(column.median() < limit)
"""
CONTRACT = """
schema_type: dataframe
columns:
  key: {dtype: str}
  size: {dtype: int64, multiple_of: {step: 5}, median_below: {limit: 20}}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / "checks.py").write_text(CHECKS)
    (tmp_path / "contract.yaml").write_text(CONTRACT)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "contract.yaml"


@pytest.mark.parametrize(
    ("sizes", "failed"),
    [([5, 10, 15], []), ([5, 7, 10], ["multiple_of(step=5)"]), ([20, 25, 30], ["median_below(limit=20)"])],
)
def test_a_table_is_validated_with_them(path: Path, sizes: list[int], failed: list[str]) -> None:
    schema = contract.load(path, PACKAGE)
    table = pd.DataFrame({"key": ["a", "b", "c"], "size": sizes})

    records = contract.validate(table, schema, "key")

    assert [record["check"] for record in records if not record["passed"]] == failed


def test_a_single_row_is_validated_with_those_of_values(path: Path, params: Params) -> None:
    data = params.data.model_copy(update={"id": "key", "target": "outcome"})
    record = record_model(contract.load(path, PACKAGE), params.model_copy(update={"data": data}))

    record.model_validate({"size": 25})
    with pytest.raises(ValidationError, match="multiple_of"):
        record.model_validate({"size": 26})


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("def in_range(column, *, low): ...", "in_range is a name of pandera's or of another check"),
        ("def unique(column): ...", "unique is a name of pandera's"),
        ("def odd_one(column, *, name): ...", "odd_one has an argument name, which pandera takes itself"),
    ],
)
def test_a_check_whose_name_is_taken_is_refused(definition: str, message: str) -> None:
    names: dict = {}
    exec(definition, {"__name__": "somebodys.checks"}, names)

    with pytest.raises(ConfigError, match=message):
        value_check(next(iter(names.values())))


def test_a_check_that_raises_fails_and_says_why(
    tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raises").mkdir()
    body = "from lifecycle.core.column_checks import value_check\n\n@value_check\ndef breaks(column, *, unit):\n    return column[unit]\n"
    (tmp_path / "raises/checks.py").write_text(body)
    (tmp_path / "contract.yaml").write_text(
        "schema_type: dataframe\ncolumns:\n  size: {dtype: int64, breaks: {unit: days}}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    schema = contract.load(tmp_path / "contract.yaml", "raises")

    (record,) = [
        record for record in contract.validate(pd.DataFrame({"size": [1, 2]}), schema, "size") if not record["passed"]
    ]

    assert "KeyError" in contract.describe([record])
    with pytest.raises(ValidationError, match=r"cannot be checked: .* raised KeyError"):
        record_model(schema, params).model_validate({"size": 1})
