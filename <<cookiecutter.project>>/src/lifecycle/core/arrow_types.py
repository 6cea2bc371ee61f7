"""The contract's types as Arrow has them, and columns converted to them: exactly, or not at all."""

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.core import config, contract
from lifecycle.core.errors import ConfigError, DataError

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
NUMBERS = (*INTEGERS, "float32", "float64")
NO_NULLS = (*INTEGERS, "bool")
NULLABLE: dict[str, Any] = {
    dtype.name: dtype
    for dtype in (
        pd.BooleanDtype(), pd.Int8Dtype(), pd.Int16Dtype(), pd.Int32Dtype(), pd.Int64Dtype(), pd.UInt8Dtype(), pd.UInt16Dtype(),
        pd.UInt32Dtype(), pd.UInt64Dtype(), pd.Float32Dtype(), pd.Float64Dtype(),
    )
}  # fmt: skip
"""pandas' own types whose numbers and booleans can be null."""
ZONE = r"(?:Z|[+-]\d\d(?::?\d\d)?)$"


def arrow_type(column: pa.Column) -> arrow.DataType:
    """Return the type of a column of the contract. Raises ConfigError if it is not supported."""
    name = str(column.dtype)
    if name == "category":
        return arrow.dictionary(arrow.int32(), arrow.string())
    if name.startswith(("string", "str", "object")):
        return arrow.string()
    if name.startswith("datetime64[ns"):
        zone = name.removeprefix("datetime64[ns").strip(", ]")
        return arrow.timestamp("ns", zone or None)
    if name.lower() in NUMBERS:
        return arrow.from_numpy_dtype(np.dtype(name.lower()))
    if name in ("bool", "boolean"):
        return arrow.bool_()
    known = "str, category, bool, boolean, datetime64[ns] (also with a time zone), int64, Int64, float64 and their shorter forms"
    raise ConfigError(f"{config.CONTRACT}: column {column.name}: dtype {name} is not supported: use {known}")


def converted(name: str, values: arrow.ChunkedArray, kind: arrow.DataType) -> arrow.ChunkedArray:
    """Return a column in another type, its values unchanged.

    Raises DataError, which names the column and the first rows, if a value is not of that type.
    """
    source = values.type
    if source == kind:
        return values
    if arrow.types.is_dictionary(source):
        return converted(name, values.cast(source.value_type), kind)
    if arrow.types.is_null(source):
        return arrow.chunked_array([arrow.nulls(len(values), kind)])
    if reason := _unlike(source, kind):
        raise DataError(f"column {name}: {source}, {reason}")
    if arrow.types.is_floating(source) and not arrow.types.is_floating(kind):
        values = pc.if_else(pc.is_nan(values), arrow.scalar(None, source), values)
    if arrow.types.is_boolean(kind) and not is_text(source):
        mask = pc.invert(pc.is_in(values, arrow.array([0, 1]).cast(source))).to_numpy()
        refuse_rows(name, values, mask & values.is_valid().to_numpy(), kind)
    try:
        if arrow.types.is_dictionary(kind):
            return values.cast(arrow.string()).dictionary_encode()
        return values.cast(kind)
    except arrow.ArrowException as error:
        refuse_rows(name, values, unfit(values, kind), kind)
        raise DataError(f"column {name}: not {type_name(kind)}: {str(error)[:200]}") from None


def unfit(values: arrow.ChunkedArray, kind: arrow.DataType, decimal: str = ".") -> np.ndarray:
    """Return which values, nulls aside, are not of a type, shape (rows,); `decimal` is the decimal point of texts."""
    if not is_text(values.type):
        if arrow.types.is_integer(kind):
            numbers = values.cast(arrow.float64(), safe=False).to_numpy()
            bounds = np.iinfo(kind.to_pandas_dtype())
            wrong = (numbers != np.floor(numbers)) | (numbers < bounds.min) | (numbers > bounds.max)
            return np.asarray(wrong & values.is_valid().to_numpy())
        return np.zeros(len(values), dtype=bool)
    texts = values.to_pandas()
    if arrow.types.is_integer(kind):
        bounds = np.iinfo(kind.to_pandas_dtype())
        numbers = pd.to_numeric(texts, errors="coerce")
        wrong = ~texts.str.fullmatch(r"\s*-?\d+\s*", na=False) | (numbers < bounds.min) | (numbers > bounds.max)
    elif arrow.types.is_floating(kind):
        plain = texts if decimal == "." else texts.str.replace(".", "?").str.replace(decimal, ".")
        wrong = pd.to_numeric(plain, errors="coerce").isna()
    elif arrow.types.is_timestamp(kind):
        moments = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)
        zoned = texts.str.contains(rf":\d\d.*{ZONE}", na=False)
        earliest, latest = (bound.tz_localize("UTC") for bound in (pd.Timestamp.min, pd.Timestamp.max))
        wrong = ~moments.between(earliest, latest) | (zoned != (kind.tz is not None))
    elif arrow.types.is_boolean(kind):
        wrong = ~texts.str.lower().isin(["true", "false", "1", "0"])
    else:
        return np.zeros(len(texts), dtype=bool)
    return np.asarray(wrong & texts.notna(), dtype=bool)


def refuse_rows(name: str, values: arrow.ChunkedArray, mask: np.ndarray, kind: arrow.DataType) -> None:
    """Raise DataError if a mask selects values of a column that are not of a type."""
    if mask.any():
        raise DataError(f"column {name}: {examples(mask, values)} not {type_name(kind)}")


def refuse_missing(name: str, values: arrow.ChunkedArray, dtype: str) -> None:
    """Raise DataError if a column of the contract's dtype `dtype` has nulls that it cannot have, or an infinite number."""
    if values.null_count and dtype in NO_NULLS:
        nulls = examples(values.is_null().to_numpy(), values)
        raise DataError(
            f"column {name}: {nulls} but {dtype} cannot be null; use Int64, boolean or float64 in {config.CONTRACT}"
        )
    if arrow.types.is_floating(values.type) and pc.any(infinite := pc.is_inf(values)).as_py():
        mask = infinite.fill_null(False).to_numpy()
        raise DataError(f"column {name}: {examples(mask, values)} infinite; write a number, or nothing")


def examples(mask: np.ndarray, values: arrow.ChunkedArray) -> str:
    """Return how many values a mask selects, and the first of them with their rows."""
    positions = mask.nonzero()[0]
    first = [
        f"row {position + 1}: {contract.shorten(repr(values[int(position)].as_py()))}"
        for position in positions[: contract.MAX_EXAMPLES]
    ]
    more = ", ..." if len(positions) > len(first) else ""
    return f"{len(positions):,} value{'s' if len(positions) > 1 else ''} ({', '.join(first)}{more})"


def type_name(kind: arrow.DataType) -> str:
    """Return the name that the contract has for a type."""
    if arrow.types.is_timestamp(kind):
        return f"datetime64[ns, {kind.tz}]" if kind.tz else "datetime64[ns] (without a time zone)"
    if arrow.types.is_dictionary(kind) or arrow.types.is_string(kind):
        return "text"
    return "bool" if arrow.types.is_boolean(kind) else np.dtype(kind.to_pandas_dtype()).name


def is_text(kind: arrow.DataType) -> bool:
    """Return whether values of a type are texts."""
    types = arrow.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _unlike(source: arrow.DataType, kind: arrow.DataType) -> str:
    """Why no value of one type is one of another, which Arrow would convert all the same; or nothing."""
    is_date = arrow.types.is_timestamp(source) or arrow.types.is_date(source)
    if not (is_date or is_text(source) or arrow.types.is_decimal(source) or _is_number(source)):
        return "which is not supported: write numbers, texts, booleans or dates"
    if arrow.types.is_timestamp(kind):
        if not (is_date or is_text(source)):
            return f"not {type_name(kind)}"
        if is_date and (getattr(source, "tz", None) is None) != (kind.tz is None):
            return f"not {type_name(kind)}: change the column, or its dtype in {config.CONTRACT}"
    if is_date and (_is_number(kind) or arrow.types.is_decimal(kind)):
        return f"not {type_name(kind)}"
    return ""


def _is_number(kind: arrow.DataType) -> bool:
    return bool(arrow.types.is_integer(kind) or arrow.types.is_floating(kind) or arrow.types.is_boolean(kind))
