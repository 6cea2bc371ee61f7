"""Rows added to the end of the raw file, in its own format, columns and order; what is there stays as it is."""

import csv
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet

from lifecycle.core.arrow_types import is_text
from lifecycle.core.config import Data
from lifecycle.core.csv_format import append_text, csv_header, line_end
from lifecycle.core.errors import DataError
from lifecycle.core.files import replacing
from lifecycle.core.raw_table import raw_files
from lifecycle.retraining.written_values import is_parquet, written


def append(rows: pd.DataFrame, records: list[dict[str, Any]], path: Path, data: Data) -> None:
    """Add rows to a CSV file (compressed or not), a Parquet file, or a folder of them, which gets one more.

    Columns of the file that the rows lack are left empty.

    Args:
        rows: with the contract's types.
        records: the same rows, with JSON's types.
        path: of the file.
        data: how the file is written.

    Raises DataError if the rows cannot be written with the types that a Parquet file has.
    """
    if not is_parquet(path):
        _append_csv(records, path, data)
    elif path.is_dir():
        last = raw_files(path)[-1]
        with replacing(_next_part(last)) as temporary:
            pyarrow.parquet.write_table(
                _as_in_file(rows, records, pyarrow.parquet.read_schema(last), path, data), temporary
            )
    else:
        with pyarrow.parquet.ParquetFile(path) as file:
            old = file.read()
        new = _as_in_file(rows, records, old.schema, path, data)
        with replacing(path) as temporary:
            pyarrow.parquet.write_table(arrow.concat_tables([old, new]).unify_dictionaries(), temporary)


def _append_csv(records: list[dict[str, Any]], path: Path, data: Data) -> None:
    header = csv_header(path, data.csv)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=data.csv.separator, lineterminator=line_end(path, data.csv))
    writer.writerows([written(name, record.get(name), data) for name in header] for record in records)
    with replacing(path) as temporary:
        target = temporary.with_name(f"{temporary.name}{path.suffix}")  # whose suffix says how to compress it
        try:
            append_text(path, text.getvalue(), target, data.csv)
            shutil.move(target, temporary)
        finally:
            target.unlink(missing_ok=True)


def _next_part(last: Path) -> Path:
    """A file whose name is behind that of the last one: after part-2 comes part-2_000001, then part-2_000002."""
    match = re.fullmatch(r"(.*)_(\d{6})", last.stem)
    stem, number = (match[1], int(match[2])) if match else (last.stem, 0)
    return last.with_name(f"{stem}_{number + 1:06d}{last.suffix}")


def _as_in_file(
    rows: pd.DataFrame, records: list[dict[str, Any]], schema: arrow.Schema, path: Path, data: Data
) -> arrow.Table:
    """Return rows with the columns and types of a Parquet file."""
    columns = []
    for field in schema:
        if field.name not in rows:
            columns.append(arrow.nulls(len(rows), field.type))
            continue
        plain = field.type.value_type if arrow.types.is_dictionary(field.type) else field.type
        try:
            if field.name in data.formats and is_text(plain):
                texts = [written(field.name, value, data) for value in (record[field.name] for record in records)]
                missing = [record[field.name] is None for record in records]
                values = arrow.array(texts, mask=missing)
            else:
                values = arrow.array(rows[field.name].astype(object), from_pandas=True)
            columns.append(values.cast(plain).cast(field.type))
        except (arrow.ArrowException, ValueError) as error:
            raise DataError(
                f"{path}: column {field.name}: the new rows cannot be written as {field.type}: {str(error)[:200]}"
            ) from None
    return arrow.Table.from_arrays(columns, schema=schema)
