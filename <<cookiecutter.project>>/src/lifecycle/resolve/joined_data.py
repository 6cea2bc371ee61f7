"""Two versions of a table to which rows were appended, joined: the rows of ours, then those that only theirs has."""

import csv
from pathlib import Path

import pyarrow.parquet

from lifecycle.core.config import Csv, Data
from lifecycle.core.csv_format import open_bytes, text_lines
from lifecycle.core.errors import DataError
from lifecycle.core.raw_table import PARQUET
from lifecycle.resolve import joined_csv, joined_parquet

SEPARATED = {".csv": ",", ".tsv": "\t"}


def join(base: Path | None, ours: Path, theirs: Path, target: Path, data: Data) -> None:
    """Write the rows of both sides.

    Args:
        base: what both sides started from; None if both made it.
        ours: a CSV file (compressed or not), a Parquet file, or a folder.
        theirs: the same.
        target: the file or folder to write.
        data: how the file is written.

    Raises DataError if a side does more than append rows, or if both append a row with the same id and other values.
    """
    if ours.is_dir() and theirs.is_dir():
        joined_parquet.join_folders(base, ours, theirs, target, data.id)
    elif ours.suffix in PARQUET:
        joined_parquet.join(base, ours, theirs, target, data.id)
    elif form := _csv(ours, data):
        joined_csv.join(base, ours, theirs, target, form, data.id)
    else:
        raise DataError(f"a {ours.suffix} file has no rows that can be told apart")


def row_count(path: Path, data: Data) -> int | None:
    """Return the number of rows of a table, or None if a file is none."""
    if path.is_dir() or path.suffix in PARQUET:
        files = [file for file in (path.rglob("*") if path.is_dir() else [path]) if file.suffix in PARQUET]
        return sum(pyarrow.parquet.read_metadata(file).num_rows for file in files) if files else None
    form = _csv(path, data)
    if form is None:
        return None
    with open_bytes(path) as stream:
        lines = csv.reader(text_lines(stream, form), delimiter=form.separator)
        return max(sum(1 for line in lines if line) - 1, 0)


def _csv(path: Path, data: Data) -> Csv | None:
    """How a CSV file is written; None if it is none. The dataset is one whatever its suffix."""
    if data.target:
        return data.csv
    separator = next((SEPARATED[suffix] for suffix in path.suffixes if suffix in SEPARATED), None)
    return Csv(separator=separator) if separator else None
