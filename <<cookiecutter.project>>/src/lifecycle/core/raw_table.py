"""The one way to read a raw file: with the contract's columns, order and types."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.csv
import pyarrow.parquet

from lifecycle.core import config, contract
from lifecycle.core.errors import ConfigError, DataError

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
NUMBERS = (*INTEGERS, "float32", "float64")
NO_NULLS = (*INTEGERS, "bool")


def read_raw(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return the raw table with the contract's columns, in its order and with its types.

    Args:
        path: a CSV file (compressed or not) or a Parquet file.
        schema: the contract.

    Raises:
        DataError: the file is missing, empty or broken; columns are missing or extra; values do not have the
            contract's type (named with their column and the first rows).
    """
    types = {name: _arrow_type(column) for name, column in schema.columns.items()}
    if path.is_dir():
        raise DataError(f"{path}: is a folder; name a file in params.yaml (data.raw)")
    try:
        if path.suffix == ".parquet":
            table = pyarrow.parquet.ParquetFile(path).read()
            types = _check_header(path, table.column_names, types, schema)
            table = table.select(list(types)).cast(arrow.schema(types.items()))
        else:
            header = csv_header(path)
            if not header:
                raise DataError(f"{path}: is empty")
            types = _check_header(path, header, types, schema)
            table = _read_csv(path, types)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file; fetch it with `dvc pull`, or name another in params.yaml (data.raw)"
        ) from None
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError, OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: {_untypable(path, types) or f'cannot be read: {str(error)[:300]}'}") from None
    if not table.num_rows:
        raise DataError(f"{path}: has a header and no rows")
    dtypes = {name: str(schema.columns[name].dtype) for name in types}
    for name, values in zip(table.column_names, table.columns, strict=True):
        if values.null_count and dtypes[name] in NO_NULLS:
            nulls = _examples(values.is_null().to_numpy(), values)
            raise DataError(
                f"{path}: column {name}: {nulls} but {dtypes[name]} cannot be null; use Int64 or float64 in contract.yaml"
            )
    frame: pd.DataFrame = table.to_pandas(self_destruct=True, split_blocks=True)
    del table
    return frame.astype(dtypes)


def _arrow_type(column: pa.Column) -> arrow.DataType:
    name = str(column.dtype)
    if name == "category":
        return arrow.dictionary(arrow.int32(), arrow.string())
    if name.startswith(("string", "str", "object")):
        return arrow.string()
    if name.startswith("datetime64[ns"):
        return arrow.timestamp("ns")
    if name.lower() in NUMBERS:
        return arrow.from_numpy_dtype(np.dtype(name.lower()))
    if name in ("bool", "boolean"):
        return arrow.bool_()
    known = "str, category, bool, boolean, datetime64[ns], int64, Int64, float64 and their shorter forms"
    raise ConfigError(f"{config.CONTRACT}: column {column.name}: dtype {name} is not supported: use {known}")


def csv_header(path: Path) -> list[str]:
    """Return the names in the first line of a CSV file that is not empty."""
    with arrow.input_stream(str(path), compression="detect") as stream:
        lines = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
        return next((line for line in lines if line), [])


def _read_csv(path: Path, types: dict[str, arrow.DataType]) -> arrow.Table:
    convert = pyarrow.csv.ConvertOptions(column_types=types, include_columns=list(types), strings_can_be_null=True)
    read = pyarrow.csv.ReadOptions(block_size=8_388_608)  # bytes, eight times the default: fewer blocks to join
    return pyarrow.csv.read_csv(path, read_options=read, convert_options=convert)


def _check_header(
    path: Path, header: list[str], types: dict[str, arrow.DataType], schema: pa.DataFrameSchema
) -> dict[str, arrow.DataType]:
    """Return the types of the columns in the header. Raises DataError for those that are missing, repeated or unexpected."""
    wrong = {
        "repeated": sorted({name for name in header if header.count(name) > 1}),
        "missing": [name for name, column in schema.columns.items() if column.required and name not in header],
        "unexpected": [name for name in header if name not in schema.columns] if schema.strict else [],
    }
    if any(wrong.values()):
        problems = []
        for problem, names in wrong.items():
            first = ", ".join(map(contract.shorten, names[: contract.MAX_EXAMPLES]))
            more = ", ..." if len(names) > contract.MAX_EXAMPLES else ""
            problems += [f"{problem} column{'s' if len(names) > 1 else ''} {first}{more}"] if names else []
        advice = "correct the file or contract.yaml, or name another file in params.yaml (data.raw)"
        raise DataError(f"{path}: {'; '.join(problems)}; {advice}")
    return {name: kind for name, kind in types.items() if name in header}


def _untypable(path: Path, types: dict[str, arrow.DataType]) -> str:
    """Name the columns and rows that keep a CSV file from being typed; Arrow's reader names only the first."""
    if path.suffix == ".parquet":
        return ""
    try:
        texts = _read_csv(path, dict.fromkeys(types, arrow.string()))
    except (arrow.ArrowException, OSError):
        return ""
    masks = {name: _not_of_type(texts[name].to_pandas(), kind) for name, kind in types.items()}
    return "; ".join(
        f"column {name}: {_examples(mask, texts[name])} not {types[name]}" for name, mask in masks.items() if mask.any()
    )


def _not_of_type(texts: pd.Series, kind: arrow.DataType) -> np.ndarray:
    """Which texts, nulls aside, are not of the type; shape (rows,)."""
    if arrow.types.is_integer(kind):
        bounds = np.iinfo(kind.to_pandas_dtype())
        numbers = pd.to_numeric(texts, errors="coerce")
        wrong = ~texts.str.fullmatch(r"[+-]?\d+", na=False) | (numbers < bounds.min) | (numbers > bounds.max)
    elif arrow.types.is_floating(kind):
        wrong = pd.to_numeric(texts, errors="coerce").isna()
    elif arrow.types.is_timestamp(kind):
        wrong = pd.to_datetime(texts, errors="coerce", format="ISO8601").isna()
    elif arrow.types.is_boolean(kind):
        wrong = ~texts.str.lower().isin(["true", "false", "1", "0"])
    else:
        return np.zeros(len(texts), dtype=bool)
    return (wrong & texts.notna()).to_numpy(dtype=bool)


def _examples(mask: np.ndarray, column: arrow.ChunkedArray) -> str:
    """How many values a mask selects, and the first of them with their rows."""
    positions = mask.nonzero()[0]
    first = [
        f"row {position + 1}: {contract.shorten(repr(column[int(position)].as_py()))}"
        for position in positions[: contract.MAX_EXAMPLES]
    ]
    more = ", ..." if len(positions) > len(first) else ""
    return f"{len(positions):,} value{'s' if len(positions) > 1 else ''} ({', '.join(first)}{more})"
