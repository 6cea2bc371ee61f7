"""The contract of a single row: a pydantic model, which validates it and describes it in OpenAPI.

Types, nulls and every check of single values are those of contract.yaml; 34.0 is an integer. Checks of whole columns, such as of their mean,
do not apply. The row has no target; its id, and columns that the model is not given, may be left out.
"""

import datetime
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NaiveDatetime,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from lifecycle.core import contract
from lifecycle.core.arrow_types import NO_NULLS
from lifecycle.core.column_checks import COLUMN_CHECKS
from lifecycle.core.config import Params

LONGEST_TEXT = 10_000  # characters
EARLIEST, LATEST = pd.Timestamp.min.to_pydatetime(warn=False), pd.Timestamp.max.to_pydatetime(warn=False)


def record_model(schema: pa.DataFrameSchema, params: Params) -> type[BaseModel]:
    """Return the model of a row. Its fields are the contract's columns without the target."""
    fields: dict[str, Any] = {}
    for position, (name, column) in enumerate(schema.columns.items()):
        if name == params.data.target:
            continue
        kind = value_type(column)
        optional = name in (params.data.id, *params.data.not_given) or (
            not column.required and _has_null(str(column.dtype))
        )
        if (column.nullable and _has_null(str(column.dtype))) or optional:
            kind = kind | None
        described = Field(default=None if optional else ..., alias=name, description=column.description)
        fields[f"column_{position}"] = (kind, described)  # a column may have any name, a field may not
    return create_model("Record", __base__=Strict, **fields)


class Strict(BaseModel):
    """A row of strictly typed values. Columns that the contract does not have are reported as one error."""

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        allow_inf_nan=False,
        regex_engine="python-re",
        json_schema_extra={"additionalProperties": False},
    )

    @model_validator(mode="after")
    def _has_no_other_columns(self) -> "Strict":
        if extra := self.__pydantic_extra__:
            names = ", ".join(contract.shorten(name) for name in list(extra)[: contract.MAX_EXAMPLES])
            more = ", ..." if len(extra) > contract.MAX_EXAMPLES else ""
            raise PydanticCustomError("extra_forbidden", "not in the contract: {names}", {"names": names + more})
        return self


def value_type(column: pa.Column) -> Any:
    """Return the type of one value of a column, as the contract has it."""
    of_columns = {*COLUMN_CHECKS, "unique_values_eq"}  # gathered here: loading the contract registers the user's
    kind = _kind(str(column.dtype), column.checks)
    for check in column.checks:
        if check.name not in of_columns:
            for rule in _rules(check, str(column.dtype)):
                kind = Annotated[kind, rule]
    is_integer = str(column.dtype).lower().startswith(("int", "uint"))
    return Annotated[kind, BeforeValidator(_whole_number)] if is_integer else kind


def _has_null(dtype: str) -> bool:
    """Whether a column of a dtype can hold nulls; numpy's integers and booleans cannot."""
    return dtype not in NO_NULLS


def _kind(dtype: str, checks: list[pa.Check]) -> Any:
    """The Python type of a column's values, with the range of its dtype."""
    allowed = next((check.statistics["allowed_values"] for check in checks if check.name == "isin"), None)
    name = dtype.lower()
    if name.startswith(("int", "uint")):
        bounds = np.iinfo(name)
        return Annotated[int, Field(ge=int(bounds.min), le=int(bounds.max))]
    if name.startswith("float"):
        most = float(np.finfo(name).max)
        return Annotated[float, Field(ge=-most, le=most)] if name != "float64" else float
    if name.startswith("bool"):
        return bool
    if name.startswith("datetime64"):
        kind = AwareDatetime if "," in name else NaiveDatetime
        return Annotated[kind, Field(strict=False), BeforeValidator(_text), AfterValidator(_in_range_of_pandas)]
    if allowed:
        return Literal[tuple(str(value) for value in allowed)]
    return Annotated[str, Field(max_length=LONGEST_TEXT)]


def _rules(check: pa.Check, dtype: str) -> tuple[Any, ...]:
    """A check of the contract in pydantic's terms; pandera itself runs those that pydantic does not have."""
    statistics = check.statistics
    if dtype.startswith("datetime64"):  # whose limits the contract has as texts
        return (_passes(lambda value: check(pd.Series([value], dtype=dtype)).check_passed, check),)
    match check.name:
        case "isin" if dtype == "category" or dtype.startswith(("str", "object")):
            return ()  # the type has them already
        case "isin":
            allowed = list(statistics["allowed_values"])
            return _one_of(allowed), Field(json_schema_extra={"enum": allowed})
        case "in_range":
            low = "ge" if statistics.get("include_min", True) else "gt"
            high = "le" if statistics.get("include_max", True) else "lt"
            return (Field(**{low: statistics["min_value"], high: statistics["max_value"]}),)
        case "greater_than" | "greater_than_or_equal_to":
            return (Field(**{"gt" if check.name == "greater_than" else "ge": statistics["min_value"]}),)
        case "less_than" | "less_than_or_equal_to":
            return (Field(**{"lt" if check.name == "less_than" else "le": statistics["max_value"]}),)
        case "str_matches":
            pattern = statistics["pattern"]
            return (Field(pattern=f"^(?:{getattr(pattern, 'pattern', pattern)})"),)
        case "str_length":
            lengths = {"min_length": statistics.get("min_value"), "max_length": statistics.get("max_value")}
            return (Field(**{name: bound for name, bound in lengths.items() if bound is not None}),)
        case "notin":
            return (_passes(lambda value: value not in statistics["forbidden_values"], check),)
        case "equal_to":
            return (_passes(lambda value: value == statistics["value"], check),)
        case "not_equal_to":
            return (_passes(lambda value: value != statistics["value"], check),)
    return (_passes(lambda value: check(pd.Series([value], dtype=dtype)).check_passed, check),)


def _one_of(allowed: list[Any]) -> AfterValidator:
    def validate(value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(map(str, allowed))}")
        return value

    return AfterValidator(validate)


def _passes(passes: Callable[[Any], bool], check: pa.Check) -> AfterValidator:
    def validate(value: Any) -> Any:
        try:
            good = passes(value)
        except Exception as error:  # of the user's own check
            raise ValueError(f"cannot be checked: {check.error} raised {type(error).__name__}") from None
        if not good:
            raise ValueError(f"fails {check.error}")
        return value

    return AfterValidator(validate)


def _whole_number(value: Any) -> Any:
    """JSON has one kind of number: 34.0 is the integer 34, as it is in a table whose column also has nulls."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be a text such as 2026-01-31T12:00:00")
    return value


def _in_range_of_pandas(value: datetime.datetime) -> datetime.datetime:
    if not EARLIEST <= value.replace(tzinfo=None) <= LATEST:
        raise ValueError(f"must lie between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d}")
    return value
