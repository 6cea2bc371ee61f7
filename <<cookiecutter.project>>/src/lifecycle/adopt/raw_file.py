"""The user's file, read once, with the types that its values have."""

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from lifecycle.adopt.dialect import ENCODINGS, HEAD, detect
from lifecycle.adopt.format_detection import number_format
from lifecycle.core.config import Csv
from lifecycle.core.csv_format import BLOCK, open_bytes, parse_options, read_options
from lifecycle.core.errors import ConfigError, DataError

FEW_VALUES = 1000  # distinct texts of a column that is kept as a dictionary
NULLS = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "#N/A", "#NA"]
OTHER_NULLS = ("?", "-", "--", ".", "missing", "unknown", "none", "Missing", "Unknown", "None")
"""Words that mean a missing value if every other value of a column is a number; `?` always does."""
CODES = r"^\s*([+-]?0\d+|\d{19,})\s*$"
"""Digits that are no number: with leading zeros, or more than an integer has."""
EXPONENT, DECIMAL = r"^\s*\d+[eE]\d+\s*$", r"[.,]|[eE][+-]"


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
        return _read_parquet(path) if path.is_dir() or path.suffix in (".parquet", ".pq") else _read_csv(path)
    except (arrow.ArrowException, OSError, EOFError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a table: {' '.join(str(error).split())[:300]}") from None


def _read_csv(path: Path) -> RawFile:
    with open_bytes(path) as stream:
        head = stream.read(HEAD)
    encodings = ENCODINGS
    while True:
        form = detect(head, path, encodings)
        try:
            table = _infer(path, form.model_copy(update={"nulls": NULLS}))
            break
        except (UnicodeDecodeError, arrow.ArrowInvalid) as error:  # a character behind the head
            if "UTF8" not in str(error) and not isinstance(error, UnicodeDecodeError):
                raise
            encodings = encodings[encodings.index(form.encoding) + 1 :] if form.encoding in encodings else ()
            if not encodings:
                raise
    form = form.model_copy(update={"nulls": NULLS + _further_nulls(table)})
    if form.nulls != NULLS:
        table = _infer(path, form)
    if not table.num_rows:
        raise DataError(f"{path}: has a header and no rows")
    texts = _codes(path, form, table)
    if texts:
        as_text = _infer(path, form, texts)
        table = arrow.table({name: (as_text if name in texts else table)[name] for name in table.column_names})
    columns = dict(zip(table.column_names, table.columns, strict=True))
    notes = [f"{', '.join(texts)}: digits with leading zeros, an exponent or too many for a number, so text"] if texts else []
    return RawFile(path, form, columns, notes)


def _infer(path: Path, form: Csv, texts: list[str] | None = None) -> arrow.Table:
    """Read a CSV file with the types that all of its values allow; only `texts`, as text, if they are given.

    Arrow would keep the whole text until the types are known. So they are those of the first block, and a column that does not keep
    to its type further down is the only one whose type Arrow has to find.
    """
    of_block = _types_of_first_block(path, form)
    names = list(of_block)
    types = dict.fromkeys(texts, arrow.string()) if texts else {name: kind for name, kind in of_block.items() if not arrow.types.is_null(kind)}
    while True:
        convert = _convert_options(form, types)
        convert.include_columns = texts or []
        try:
            with open_bytes(path) as stream:
                return pyarrow.csv.read_csv(
                    stream, read_options=read_options(form), parse_options=parse_options(form), convert_options=convert
                )
        except arrow.ArrowInvalid as error:
            place = re.search(r"In CSV column #(\d+): .*conversion error", str(error))
            if not place or names[int(place[1])] not in types or "UTF8" in str(error):  # which Arrow would take for bytes
                raise
            del types[names[int(place[1])]]


def _types_of_first_block(path: Path, form: Csv) -> dict[str, arrow.DataType]:
    with open_bytes(path) as stream:
        reader = pyarrow.csv.open_csv(
            stream, read_options=read_options(form), parse_options=parse_options(form), convert_options=_convert_options(form, {})
        )
        check_names(path, reader.schema.names)
        batch = next(iter(reader), None)
    if batch is None:
        return dict.fromkeys(reader.schema.names, arrow.null())
    if any(arrow.types.is_binary(column.type) for column in batch.columns):
        raise arrow.ArrowInvalid("a text is not valid UTF8")
    types = {}
    for name, column in zip(reader.schema.names, batch.columns, strict=True):
        few = arrow.types.is_string(column.type) and 2 * pc.count_distinct(column).as_py() < min(2 * FEW_VALUES, len(column))
        types[name] = arrow.dictionary(arrow.int32(), arrow.string()) if few else column.type
    return types


def _convert_options(form: Csv, types: dict[str, arrow.DataType]) -> Any:
    return pyarrow.csv.ConvertOptions(
        null_values=form.nulls, strings_can_be_null=True, decimal_point=form.decimal, column_types=types,
        auto_dict_encode=True, auto_dict_max_cardinality=FEW_VALUES,
    )  # fmt: skip


def check_names(path: Path, names: list[str]) -> None:
    """Raise DataError if a column has no name, several have the same, or the first line holds no names."""
    if unnamed := [place for place, name in enumerate(names, start=1) if not name.strip()]:
        raise DataError(f"{path}: column {unnamed[0]} has no name: give it one in the first line, or remove the column")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{path}: column {repeated[0]} is there {names.count(repeated[0])} times: give each a name of its own")
    if all(name.replace(".", "", 1).replace("-", "", 1).isdigit() for name in names):
        raise DataError(f"{path}: the first line holds numbers, not the names of the columns: add a line with names")


def _further_nulls(table: arrow.Table) -> list[str]:
    """Spellings of a missing value beyond the usual ones."""
    spellings: list[str] = []
    for column in table.columns:
        if not arrow.types.is_dictionary(column.type):  # texts of many values: the words would be among the first
            if not arrow.types.is_string(column.type):
                continue
            column = column.slice(0, 100 * FEW_VALUES)
        distinct = (pc.unique(column.combine_chunks()) if arrow.types.is_string(column.type) else _values(column)).drop_null()
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


def _codes(path: Path, form: Csv, table: arrow.Table) -> list[str]:
    """The columns that look like numbers and hold codes."""
    numbers = [name for name, column in zip(table.column_names, table.columns, strict=True) if _is_number(column.type)]
    if not any(_is_beyond_integers(table[name]) for name in numbers) and not _may_hold_codes(path, form):
        return []
    convert = pyarrow.csv.ConvertOptions(
        include_columns=numbers, column_types=dict.fromkeys(numbers, arrow.string()), null_values=form.nulls
    )
    codes: set[str] = set()
    exponents: set[str] = set()
    decimals: set[str] = set()
    with open_bytes(path) as stream:
        reader = pyarrow.csv.open_csv(
            stream, read_options=read_options(form), parse_options=parse_options(form), convert_options=convert
        )
        for batch in reader:
            for name, texts in zip(batch.schema.names, batch.columns, strict=True):
                for columns, pattern in ((codes, CODES), (exponents, EXPONENT), (decimals, DECIMAL)):
                    if name not in columns and pc.any(pc.match_substring_regex(texts, pattern)).as_py():
                        columns.add(name)
    return [name for name in numbers if name in codes or name in exponents - decimals]


def _may_hold_codes(path: Path, form: Csv) -> bool:
    """Whether a value begins with a zero before another digit, or a letter e stands between digits, anywhere in the file."""
    if form.encoding == "utf-16":
        return True
    before_value = np.zeros(256, dtype=bool)
    before_value[[ord(form.separator), *b'\n\r" +']] = True
    with open_bytes(path) as stream:
        while block := stream.read(BLOCK):
            content = np.frombuffer(block, dtype=np.uint8)
            left, middle, right = content[:-2], content[1:-1], content[2:]
            zeros = np.flatnonzero(middle == ord("0"))
            letters = np.flatnonzero((middle | 32) == ord("e"))
            if (before_value[left[zeros]] & (right[zeros] - ord("0") < 10)).any():
                return True
            if ((left[letters] - ord("0") < 10) & (right[letters] - ord("0") < 10)).any():
                return True
    return False


def _is_beyond_integers(column: arrow.ChunkedArray) -> bool:
    """Whether numbers are so large that a floating-point number does not hold all of their digits."""
    if not arrow.types.is_floating(column.type):
        return False
    bounds = pc.min_max(column).as_py()
    return bounds["max"] is not None and max(-bounds["min"], bounds["max"]) >= 2**53


def _is_number(kind: arrow.DataType) -> bool:
    return bool(arrow.types.is_integer(kind) or arrow.types.is_floating(kind))


def _read_parquet(path: Path) -> RawFile:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: holds no .parquet file")
    table = arrow.concat_tables([pyarrow.parquet.ParquetFile(file).read() for file in files])
    check_names(path, table.column_names)
    if not table.num_rows:
        raise DataError(f"{path}: has no rows")
    for field_ in table.schema:
        if arrow.types.is_nested(field_.type):
            raise DataError(f"{path}: column {field_.name} holds {field_.type}, not single values: make columns of them, or leave it out")
    return RawFile(path, None, dict(zip(table.column_names, table.columns, strict=True)))
