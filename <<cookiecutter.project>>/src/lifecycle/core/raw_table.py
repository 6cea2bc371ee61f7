"""The one way to read a raw file: with the contract's columns, order and types, as data in params.yaml says it is written."""

import csv
import re
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from lifecycle.core import arrow_types, contract, value_formats
from lifecycle.core.config import CONTRACT, PARAMS, Data
from lifecycle.core.content_key import content_keys
from lifecycle.core.csv_format import convert_options, csv_header, open_bytes, parse_options, read_options
from lifecycle.core.errors import ConfigError, DataError

PARQUET = (".parquet", ".pq")


def read_raw(path: Path, schema: pa.DataFrameSchema, data: Data) -> pd.DataFrame:
    """Return the raw table with the contract's columns, in its order and with its types.

    Rows without a target are left out if data.unlabelled says so.

    Args:
        path: a CSV file (compressed or not), a Parquet file, or a folder of Parquet files.
        schema: the contract.
        data: how the file is written, and from which columns the id is made if it has none.

    Raises:
        DataError: the file is missing, empty or broken; columns are missing or extra; values do not have the
            contract's type (named with their column and the first rows).
    """
    return read_and_count(path, schema, data)[0]


def read_and_count(path: Path, schema: pa.DataFrameSchema, data: Data) -> tuple[pd.DataFrame, int]:
    """Return what `read_raw` does, and how many rows were left out because they have no target."""
    _check_made_id(schema, data)
    columns = {name: column for name, column in schema.columns.items() if not (data.id_from and name == data.id)}
    table, left_out = _read_files(path, columns, bool(schema.strict), data)
    frame = _to_pandas(table, columns)
    del table
    if data.id_from:
        position = [name for name in schema.columns if name in frame or name == data.id].index(data.id)
        dtype = pd.api.types.pandas_dtype(str(schema.columns[data.id].dtype))
        frame.insert(position, data.id, content_keys(frame, data.id_from).astype(dtype))
    return frame, left_out


def _check_made_id(schema: pa.DataFrameSchema, data: Data) -> None:
    if unknown := [name for name in (data.id, *data.id_from) if data.id_from and name not in schema.columns]:
        raise ConfigError(f"{PARAMS}: data.id_from: {unknown[0]!r} is not a column of {CONTRACT}")


def raw_files(path: Path) -> list[Path]:
    """Return the files of a table: itself, or the Parquet files of a folder in the order of their names.

    Raises DataError if there is none.
    """
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in PARQUET and not file.name.startswith((".", "_")))
    if not files:
        raise DataError(
            f"{path}: is a folder without a .parquet file; name a file, or a folder of them, in params.yaml (data.raw)"
        )
    return files


def _read_files(path: Path, columns: dict[str, pa.Column], strict: bool, data: Data) -> tuple[arrow.Table, int]:
    tables, left_out = zip(*(_read(file, columns, strict, data) for file in raw_files(path)), strict=True)
    table = tables[0] if len(tables) == 1 else arrow.concat_tables(tables, promote_options="default")
    if not table.num_rows:
        reason = f"no row has a value in {data.target}, the target" if sum(left_out) else "has a header and no rows"
        raise DataError(f"{path}: {reason}")
    return table.select([name for name in columns if name in table.column_names]), sum(left_out)


def _read(path: Path, columns: dict[str, pa.Column], strict: bool, data: Data) -> tuple[arrow.Table, int]:
    """Read one file as the contract's types, and count the rows that were left out for want of a target."""
    types = {name: arrow_types.arrow_type(column) for name, column in columns.items()}
    try:
        if path.suffix in PARQUET:
            with pyarrow.parquet.ParquetFile(path) as file:
                _check_header(path, file.schema_arrow.names, columns, strict)
                names = [name for name in types if name in file.schema_arrow.names]
                table = file.read(names).select(names)
        else:
            header = csv_header(path, data.csv)
            if not header:
                raise DataError(f"{path}: is empty")
            _check_header(path, header, columns, strict)
            types = {name: kind for name, kind in types.items() if name in header}
            table = _read_csv(path, header, types, data)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file; fetch it with `dvc pull`, or name another in params.yaml (data.raw)"
        ) from None
    except (arrow.ArrowException, OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {_one_line(error)}") from None
    rows = table.num_rows
    if data.unlabelled and data.target in table.column_names:
        table = table.filter(pc.invert(pc.is_null(table[data.target], nan_is_null=True)))
    return _typed(path, table, types, columns, data), rows - table.num_rows


def _read_csv(path: Path, header: list[str], types: dict[str, arrow.DataType], data: Data) -> arrow.Table:
    """Read a CSV file; columns with a format of their own as texts."""
    read = {name: arrow.string() if name in data.formats else kind for name, kind in types.items()}
    try:
        return _read_columns(path, read, data)
    except arrow.ArrowInvalid as error:
        if untypable := _untypable(path, read, data):
            raise DataError(f"{path}: {untypable}") from None
        message = re.sub(r"In CSV column #(\d+)", lambda match: f"column {header[int(match[1])]}", _one_line(error))
        raise DataError(f"{path}: cannot be read: {message}") from None


def _read_columns(path: Path, types: dict[str, arrow.DataType], data: Data) -> arrow.Table:
    with open_bytes(path) as stream:
        return pyarrow.csv.read_csv(
            stream,
            read_options=read_options(data.csv),
            parse_options=parse_options(data.csv),
            convert_options=convert_options(data.csv, types),
        )


def _untypable(path: Path, types: dict[str, arrow.DataType], data: Data) -> str:
    """Name the columns and rows that keep a CSV file from being typed; Arrow's reader names only the first."""
    try:
        texts = _read_columns(path, dict.fromkeys(types, arrow.string()), data)
    except (arrow.ArrowException, OSError, UnicodeError):
        return ""
    masks = {name: arrow_types.unfit(texts[name], kind, data.csv.decimal) for name, kind in types.items()}
    return "; ".join(
        f"column {name}: {arrow_types.examples(mask, texts[name])} not {arrow_types.type_name(types[name])}"
        for name, mask in masks.items()
        if mask.any()
    )


def _check_header(path: Path, header: list[str], columns: dict[str, pa.Column], strict: bool) -> None:
    """Raise DataError for columns that are missing, repeated or unexpected."""
    wrong = {
        "repeated": sorted({name for name in header if header.count(name) > 1}),
        "missing": [name for name, column in columns.items() if column.required and name not in header],
        "unexpected": [name for name in header if name not in columns] if strict else [],
    }
    if any(wrong.values()):
        problems = []
        for problem, names in wrong.items():
            first = ", ".join(map(contract.shorten, names[: contract.MAX_EXAMPLES]))
            more = ", ..." if len(names) > contract.MAX_EXAMPLES else ""
            problems += [f"{problem} column{'s' if len(names) > 1 else ''} {first}{more}"] if names else []
        advice = "correct the file or contract.yaml, or name another file in params.yaml (data.raw)"
        raise DataError(f"{path}: {'; '.join(problems)}; {advice}")


def _typed(
    path: Path, table: arrow.Table, types: dict[str, arrow.DataType], columns: dict[str, pa.Column], data: Data
) -> arrow.Table:
    """Return the columns of a file in their types. Raises DataError for values that are null, infinite or of another type."""
    arrays = {}
    for name, values in zip(table.column_names, table.columns, strict=True):
        form = data.formats.get(name)
        try:
            if form is not None and arrow_types.is_text(values.type):
                values = value_formats.parse(name, values, form, types[name])
            arrays[name] = arrow_types.converted(name, values, types[name])
            arrow_types.refuse_missing(name, arrays[name], str(columns[name].dtype))
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
    return arrow.table(arrays)


def _to_pandas(table: arrow.Table, columns: dict[str, pa.Column]) -> pd.DataFrame:
    dtypes = {name: str(columns[name].dtype) for name in table.column_names}
    nullable = {name: arrow_types.NULLABLE[dtype] for name, dtype in dtypes.items() if dtype in arrow_types.NULLABLE}
    masked = {name: dtype.__from_arrow__(table[name]) for name, dtype in nullable.items()}  # exact beyond 2**53
    table = table.drop_columns(list(masked))
    frame: pd.DataFrame = table.to_pandas(self_destruct=True, split_blocks=True)
    del table
    frame = frame.astype({name: dtypes[name] for name in frame})
    for position, name in enumerate(dtypes):
        if name in masked:
            frame.insert(position, name, masked.pop(name))
    return frame


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
