"""Rows added at the end of the raw file, in the file's own format, columns and order; what is there stays byte for byte."""

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pyarrow.csv
import pyarrow.parquet

from lifecycle.core.files import replacing
from lifecycle.core.raw_table import csv_header

NULLS = frozenset(pyarrow.csv.ConvertOptions().null_values)


def unwritable(value: Any, path: Path) -> str:
    """Return why a value would not come back from the file as it is, or nothing."""
    if path.suffix == ".parquet" or not isinstance(value, str):
        return ""
    if value in NULLS:
        return f"{value!r} reads as missing in a CSV file"
    return "has a line break, which the pipeline does not read from a CSV file" if {"\n", "\r"} & set(value) else ""


def append(rows: pd.DataFrame, records: list[dict[str, Any]], path: Path) -> None:
    """Add rows to a CSV (compressed or not) or Parquet file; columns of the file that they lack are left empty.

    Args:
        rows: with the contract's types.
        records: the same rows, of JSON's types.
    """
    (_append_parquet if path.suffix == ".parquet" else _append_csv)(rows, records, path)


def _append_csv(_: pd.DataFrame, records: list[dict[str, Any]], path: Path) -> None:
    header = csv_header(path)
    with replacing(path) as temporary:
        target = temporary.with_name(f"{temporary.name}{path.suffix}")  # by which the compression is known
        try:
            with (
                arrow.input_stream(str(path), compression="detect") as old,
                arrow.output_stream(str(target), compression="detect") as new,
            ):
                first = old.read(65536)
                end = "\r\n" if b"\r\n" in first else "\n"
                last = first
                while first:
                    new.write(first)
                    last, first = first, old.read(8_388_608)
                text = io.StringIO()
                writer = csv.DictWriter(text, header, restval=None, extrasaction="ignore", lineterminator=end)
                writer.writerows([{name: _plain(value) for name, value in record.items()} for record in records])
                start = "" if last.endswith((b"\n", b"\r")) else end
                new.write((start + text.getvalue()).encode())
            shutil.move(target, temporary)
        finally:
            target.unlink(missing_ok=True)


def _append_parquet(rows: pd.DataFrame, _: list[dict[str, Any]], path: Path) -> None:
    with pyarrow.parquet.ParquetFile(path) as file:
        old = file.read()
    columns = []
    for field in old.schema:
        if field.name not in rows:
            columns.append(arrow.nulls(len(rows), field.type))
            continue
        values = arrow.array(rows[field.name].astype(object), from_pandas=True)
        plain = field.type.value_type if arrow.types.is_dictionary(field.type) else field.type
        columns.append(values.cast(plain).cast(field.type))
    new = arrow.Table.from_arrays(columns, schema=old.schema)
    with replacing(path) as temporary:
        pyarrow.parquet.write_table(arrow.concat_tables([old, new]).unify_dictionaries(), temporary)


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
