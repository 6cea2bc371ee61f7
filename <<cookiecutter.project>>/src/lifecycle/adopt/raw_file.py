"""The user's file, read once, with the types that its values have."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as arrow
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from lifecycle.adopt.codes import codes
from lifecycle.adopt.csv_types import FEW_VALUES, check_names, infer
from lifecycle.adopt.dialect import ENCODINGS, HEAD, detect
from lifecycle.adopt.format_detection import number_format
from lifecycle.core.config import Csv
from lifecycle.core.csv_format import open_bytes
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.raw_table import PARQUET, raw_files

NULLS = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "#N/A", "#NA"]
OTHER_NULLS = ("?", "-", "--", ".", "missing", "unknown", "none", "Missing", "Unknown", "None")
"""Words that mean a missing value if every other value of a column is a number; `?` always does."""


@dataclass
class RawFile:
    """The columns of a file; a column whose numbers are codes, such as 000123 or 1E5, is text."""

    path: Path
    csv: Csv | None
    """None for Parquet."""
    columns: dict[str, arrow.ChunkedArray]
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())))


def read(path: Path) -> RawFile:
    """Read a CSV file, a Parquet file, or a folder of Parquet files.

    Raises ConfigError if there is no such file; DataError if it cannot be read as a table.
    """
    if not path.exists():
        raise ConfigError(f"{path}: no such file")
    try:
        return _read_parquet(path) if path.is_dir() or path.suffix in PARQUET else _read_csv(path)
    except (arrow.ArrowException, OSError, EOFError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a table: {' '.join(str(error).split())[:300]}") from None


def table_files(path: Path) -> list[Path]:
    """Return the files of a table: itself, or the Parquet files of a folder. Raises DataError if a folder has none."""
    try:
        return raw_files(path)
    except DataError:
        raise DataError(f"{path}: holds no .parquet file") from None


def _read_csv(path: Path) -> RawFile:
    with open_bytes(path) as stream:
        head = stream.read(HEAD)
    encodings: tuple[str, ...] = ENCODINGS
    while True:
        form = detect(head, path, encodings)
        try:
            table = infer(path, form.model_copy(update={"nulls": NULLS}))
            break
        except (UnicodeDecodeError, arrow.ArrowInvalid) as error:  # a character behind the head
            if "UTF8" not in str(error) and not isinstance(error, UnicodeDecodeError):
                raise
            encodings = encodings[encodings.index(form.encoding) + 1 :] if form.encoding in encodings else ()
            if not encodings:
                raise
    form = form.model_copy(update={"nulls": NULLS + _further_nulls(table)})
    if form.nulls != NULLS:
        table = infer(path, form)
    if not table.num_rows:
        raise DataError(f"{path}: has a header and no rows")
    texts = codes(path, form, table)
    if texts:
        as_text = infer(path, form, texts)
        table = arrow.table({name: (as_text if name in texts else table)[name] for name in table.column_names})
    columns = dict(zip(table.column_names, table.columns, strict=True))
    notes = (
        [f"{', '.join(texts)}: digits with leading zeros, an exponent or too many for a number, so text"]
        if texts
        else []
    )
    return RawFile(path, form, columns, notes)


def _further_nulls(table: arrow.Table) -> list[str]:
    """Spellings of a missing value beyond the usual ones."""
    spellings: list[str] = []
    for column in table.columns:
        if not arrow.types.is_dictionary(column.type):  # texts of many values: the words would be among the first
            if not arrow.types.is_string(column.type):
                continue
            column = column.slice(0, 100 * FEW_VALUES)
        distinct = (
            pc.unique(column.combine_chunks()) if arrow.types.is_string(column.type) else _values(column)
        ).drop_null()
        words = [value for value in distinct.to_pylist() if value.strip() in OTHER_NULLS]
        if not words:
            continue
        others = distinct.filter(pc.invert(pc.is_in(distinct, arrow.array(words))))
        numeric = len(others) > 0 and number_format(others) is not None
        spellings += [word for word in words if numeric or word.strip() == "?"]
    return sorted(set(spellings) - set(NULLS))


def _values(column: arrow.ChunkedArray) -> arrow.Array:
    """The distinct values of a column that is a dictionary."""
    return column.unify_dictionaries().chunk(0).dictionary


def _read_parquet(path: Path) -> RawFile:
    table = arrow.concat_tables([pyarrow.parquet.ParquetFile(file).read() for file in table_files(path)])
    check_names(path, table.column_names)
    if not table.num_rows:
        raise DataError(f"{path}: has no rows")
    for field_ in table.schema:
        if arrow.types.is_nested(field_.type):
            raise DataError(
                f"{path}: column {field_.name} holds {field_.type}, not single values: make columns of them, or leave it out"
            )
    return RawFile(path, None, dict(zip(table.column_names, table.columns, strict=True)))
