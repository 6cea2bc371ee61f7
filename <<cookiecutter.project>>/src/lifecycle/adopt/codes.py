"""Columns of a CSV file that look like numbers and hold codes, such as 000123 or 1E5."""

from pathlib import Path

import numpy as np
import pyarrow as arrow
import pyarrow.compute as pc
import pyarrow.csv

from lifecycle.core.config import Csv
from lifecycle.core.csv_format import BLOCK, open_bytes, parse_options, read_options

CODES = r"^\s*([+-]?0\d+|\d{19,})\s*$"
"""Digits that are no number: with leading zeros, or more than an integer has."""
EXPONENT, DECIMAL = r"^\s*\d+[eE]\d+\s*$", r"[.,]|[eE][+-]"


def codes(path: Path, form: Csv, table: arrow.Table) -> list[str]:
    """The columns that look like numbers and hold codes."""
    numbers = [name for name, column in zip(table.column_names, table.columns, strict=True) if _is_number(column.type)]
    if not any(_is_beyond_integers(table[name]) for name in numbers) and not _may_hold_codes(path, form):
        return []
    convert = pyarrow.csv.ConvertOptions(
        include_columns=numbers, column_types=dict.fromkeys(numbers, arrow.string()), null_values=form.nulls
    )
    coded: set[str] = set()
    exponents: set[str] = set()
    decimals: set[str] = set()
    with open_bytes(path) as stream:
        reader = pyarrow.csv.open_csv(
            stream, read_options=read_options(form), parse_options=parse_options(form), convert_options=convert
        )
        for batch in reader:
            for name, texts in zip(batch.schema.names, batch.columns, strict=True):
                for columns, pattern in ((coded, CODES), (exponents, EXPONENT), (decimals, DECIMAL)):
                    if name not in columns and pc.any(pc.match_substring_regex(texts, pattern)).as_py():
                        columns.add(name)
    return [name for name in numbers if name in coded or name in exponents - decimals]


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
