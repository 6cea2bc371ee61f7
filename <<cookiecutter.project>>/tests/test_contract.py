"""The table keeps the contract, and the contract notices when it does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.core import contract
from lifecycle.core.config import Params
from lifecycle.core.files import read_yaml

COLUMNS = list(read_yaml(Path(__file__).parents[1] / "contract.yaml")["columns"])


def failed(frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params) -> set[tuple[str, str]]:
    """Return the column and name of each check that fails."""
    records = contract.validate(frame, schema, params.data.id)
    return {(record["column"], record["check"].partition("(")[0]) for record in records if not record["passed"]}


def spoilt(values: pd.Series, column: pa.Column, coerce: bool) -> Iterator[tuple[str, pd.Series]]:
    """Yield names of a column's checks, each with values that break the check; `coerce` is the whole contract's."""
    if not (coerce or column.coerce):
        yield "dtype", values.astype("category" if str(column.dtype).startswith("str") else object)
    if not column.nullable:
        yield "not_nullable", with_first(values, None)
    if column.unique:
        yield "field_uniqueness", with_first(values, values.iloc[1])
    for check in column.checks:
        value = refused(check, numeric=pd.api.types.is_numeric_dtype(values))
        if value is not None:
            yield check.name, with_first(values, value)


def refused(check: pa.Check, numeric: bool) -> Any:
    """Return a value that a check refuses, or None if it is not one of those that most contracts have."""
    match check.name:
        case "isin":
            return max(check.statistics["allowed_values"]) + 1 if numeric else "a value that is not allowed"
        case "in_range" | "greater_than" | "greater_than_or_equal_to" if numeric:
            return check.statistics["min_value"] - 1
        case "less_than" | "less_than_or_equal_to" if numeric:
            return check.statistics["max_value"] + 1
    return None


def with_first(values: pd.Series, value: Any) -> pd.Series:
    """Return a column with another first value, in a type that can hold it."""
    return pd.Series([value, *values.iloc[1:]], index=values.index)


def test_the_table_keeps_the_contract(dataset: pd.DataFrame, schema: pa.DataFrameSchema, params: Params) -> None:
    assert failed(dataset, schema, params) == set()


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_is_missing_or_spoilt_breaks_the_contract(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params, name: str
) -> None:
    column, contract_of_column = schema.columns[name], schema.select_columns([name])
    frame = frame[[name]]
    before = failed(frame, contract_of_column, params)  # such as a mean that only all rows have
    if column.required:
        assert (name, "column_in_dataframe") in failed(frame.drop(columns=name), contract_of_column, params)
    for check, values in spoilt(frame[name], column, schema.coerce):
        broken = failed(frame.assign(**{name: values}), contract_of_column, params) - before
        assert name in {column for column, _ in broken}, f"values that break {check} keep the contract"
