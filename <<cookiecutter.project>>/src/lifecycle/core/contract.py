"""The data contract: contract.yaml, in pandera's own YAML, as a schema, and the validation of a table against it."""

import inspect
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pandera.io import pandas_io

from lifecycle.core import user_code
from lifecycle.core.column_checks import COLUMN_CHECKS, FIGURES, USER_CHECKS
from lifecycle.core.errors import ConfigError, did_you_mean
from lifecycle.core.files import read_yaml

MAX_EXAMPLES = 5
MAX_LENGTH = 60  # characters of an offending value

CHECKS = {name for name in dir(pa.Check) if not name.startswith("_")}
SWITCHES = {"nullable", "unique", "required", "coerce"}
# Columns are read by name and put into the contract's order, and rows that break it must never be dropped.
UNSUPPORTED = {"drop_invalid_rows", "ordered", "regex", "add_missing_columns", "parsers", "index"}


def load(path: Path, package: str) -> pa.DataFrameSchema:
    """Return the contract, whose checks are pandera's, those of column_checks.py and those of the user's package.

    Raises ConfigError if the file is not valid YAML, or names a type, key, check or argument that none of them has.
    """
    content = read_yaml(path)
    user_code.load(package, "checks")
    try:
        _refuse_unknown_keys(content)
        schema = pandas_io.deserialize_schema(content)
    except Exception as error:  # pandera raises whatever the first wrong value happens to break
        raise ConfigError(f"{path}: not a contract pandera can read: {error}") from None
    if not schema.columns:
        raise ConfigError(f"{path}: names no columns; list them under `columns`")

    for name, column in schema.columns.items():
        for check in column.checks:
            if check.name not in COLUMN_CHECKS:
                continue
            if missing := [argument for argument, value in check.statistics.items() if value is None]:
                raise ConfigError(f"{path}: column {name}: check {check.name} lacks {', '.join(missing)}")
            check.ignore_na = False  # else pandera drops the nulls before a share of nulls can be taken
        _refuse_repeated_texts(path, name, column)
    return schema


def validate(frame: pd.DataFrame, schema: pa.DataFrameSchema, key: str) -> list[dict[str, Any]]:
    """Validate a table against every check of the contract.

    Args:
        frame: the table.
        schema: the contract.
        key: the column that identifies a row in the examples.

    Returns:
        One record per check, failed ones first: `column` (None for the whole table), `check`, `passed`, `failures`
        (rows, or 1 where a whole column fails) and up to MAX_EXAMPLES `examples`, texts of a row's key and its value.
    """
    failed: dict[tuple[str | None, str], dict[str, Any]] = {}
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases.assign(check=errors.failure_cases["check"].astype("str"))
        for (column, check), rows in cases.groupby(["column", "check"], sort=False, dropna=False):
            for record in _failures(None if pd.isna(column) else column, check, rows, frame, key):
                failed[record["column"], check] = record
    passed: list[dict[str, Any]] = [
        {"column": column, "check": check, "passed": True, "failures": 0, "examples": []}
        for column, check in every_check(schema)
        if (column, check) not in failed
    ]
    return list(failed.values()) + passed


def describe(records: list[dict[str, Any]]) -> str:
    """Return the failed checks as one line: column, check, number of rows and the first of them."""
    failures = []
    for record in records:
        if not record["passed"]:
            rows = f" in {record['failures']:,} rows" if record["failures"] > 1 else ""
            more = ", ..." if record["failures"] > len(record["examples"]) > 0 else ""
            examples = f" ({', '.join(record['examples'])}{more})" if record["examples"] else ""
            failures.append(f"column {record['column'] or '(all)'}: {record['check']} fails{rows}{examples}")
    return "; ".join(failures)


def shorten(value: Any) -> str:
    """Return a value as text that is short enough for a message."""
    text = str(value)
    return text if len(text) <= MAX_LENGTH else text[:MAX_LENGTH] + "..."


def _refuse_repeated_texts(path: Path, name: str, column: pa.Column) -> None:
    """Raise ConfigError if a column of texts may have two values that are one text: its values are read as texts."""
    if not str(column.dtype).startswith(("category", "str", "object")):
        return
    for check in column.checks:
        values = check.statistics.get("allowed_values", ()) if check.name == "isin" else ()
        if repeated := [text for text, count in Counter(map(str, values)).items() if count > 1]:
            spellings = " and ".join(repr(value) for value in values if str(value) == repeated[0])
            raise ConfigError(
                f"{path}: column {name}: isin lists the text {repeated[0]} more than once ({spellings}): "
                f"leave it there once, in quotes"
            )


def _refuse_unknown_keys(content: dict[str, Any]) -> None:
    """Raise ValueError for a key that pandera would skip, such as the name of a misspelt check."""
    structure = {*inspect.signature(pa.DataFrameSchema).parameters, "schema_type", "api", "version"} - UNSUPPORTED
    if unknown := [key for key in content if key not in structure]:
        raise ValueError(f"{unknown[0]!r} is not a supported key of a schema")
    columns = content.get("columns") or {}
    if unlisted := [name for name in _as_list(content.get("unique")) if name not in columns]:
        raise ValueError(f"unique names column {unlisted[0]!r}, which is not listed")
    column_keys = set(inspect.signature(pa.Column).parameters) - UNSUPPORTED
    for name, column in columns.items():
        if not isinstance(name, str) or not isinstance(column, dict):
            raise ValueError(f"column {name!r}: expected a name and a mapping, found {column!r}")
        for key, value in column.items():
            if key not in column_keys and not hasattr(pa.Check, str(key)):
                near = did_you_mean(str(key), {*column_keys, *CHECKS, *COLUMN_CHECKS, *USER_CHECKS})
                raise ValueError(f"column {name}: {key!r} is neither a supported key of a column nor a check{near}")
            if key in SWITCHES and not isinstance(value, bool):
                raise ValueError(f"column {name}: {key} is {value!r}: write true or false")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def every_check(schema: pa.DataFrameSchema) -> list[tuple[str | None, str]]:
    """Return the column and name of every check of the contract, as pandera names them among its failure cases."""
    names: list[tuple[str | None, str]] = []
    for name, column in schema.columns.items():
        checks = ["column_in_dataframe"] if column.required else []
        checks += [f"dtype('{column.dtype}')"] if column.dtype else []
        checks += [] if column.nullable else ["not_nullable"]
        checks += ["field_uniqueness"] if column.unique else []
        names += [(name, check) for check in [*checks, *(str(check.error) for check in column.checks)]]
    return names + [(None, str(check.error)) for check in schema.checks]


def _failures(
    column: str | None, check: str, cases: pd.DataFrame, frame: pd.DataFrame, key: str
) -> list[dict[str, Any]]:
    if check in {"column_in_dataframe", "column_in_schema"}:  # pandera gives the column's name as the failing value
        return [_record(name, check, 1, []) for name in cases["failure_case"]]
    rows = cases.drop_duplicates("index")[cases["index"].notna()]
    if rows.empty:
        figure = FIGURES.get(check.partition("(")[0])
        examples = [f"found {figure(frame[column]):.4g}"] if figure and column in frame else []
        reason = str(cases["failure_case"].iloc[0])
        if not figure and reason not in ("False", "None", "nan"):  # the check raised an error
            examples = [f"cannot be run: {shorten(reason)}"]
        return [_record(column, check, 1, examples)]
    first = rows.head(MAX_EXAMPLES)
    keys = frame.loc[first["index"], key] if key in frame else first["index"]
    examples = [f"{key} {shorten(row)}: {shorten(case)}" for row, case in zip(keys, first["failure_case"], strict=True)]
    return [_record(column, check, len(rows), examples)]


def _record(column: str | None, check: str, failures: int, examples: list[str]) -> dict[str, Any]:
    return {"column": column, "check": check, "passed": False, "failures": failures, "examples": examples}
