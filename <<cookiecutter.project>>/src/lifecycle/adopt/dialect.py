"""How a CSV file is written, found from its beginning: encoding, separator, decimal point."""

import codecs
import csv
import io
import re
from pathlib import Path

from lifecycle.core.config import Csv
from lifecycle.core.errors import DataError

HEAD = 1_048_576  # bytes that are looked at
ROWS = 500
SEPARATORS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "cp1252", "latin-1")  # latin-1 accepts everything
COMMA_NUMBER = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+")
POINT_NUMBER = re.compile(r"[+-]?\d+\.\d+")


def detect(head: bytes, path: Path, encodings: tuple[str, ...] = ENCODINGS) -> Csv:
    """Return how a CSV file is written.

    Args:
        head: its first bytes, decompressed.
        path: of the file, for messages.
        encodings: those that are tried, in this order, if it does not begin with a byte order mark.

    Raises DataError if it is empty, no text, or has a single column.
    """
    if not head.strip():
        raise DataError(f"{path}: is empty")
    encoding, text = _decode(head, path, encodings)
    rows = {separator: _rows(text, separator) for separator in SEPARATORS}
    separator = max(SEPARATORS, key=lambda separator: _score(rows[separator]))
    if len(rows[separator][0]) < 2:
        raise DataError(
            f"{path}: has a single column, with any of the separators , ; tab |: columns must be separated by one of them"
        )
    return Csv.checked(
        {"separator": separator, "encoding": encoding, "decimal": _decimal(rows[separator][1:])}, str(path)
    )


def _decode(head: bytes, path: Path, encodings: tuple[str, ...]) -> tuple[str, str]:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    if b"\0" in head or len(re.findall(rb"[\x01-\x08\x0e-\x1f]", head)) > len(head) / 1000:
        raise DataError(f"{path}: is not a text file; expected CSV (also .gz, .bz2, .zst, .zip) or Parquet")
    for encoding in encodings:
        try:  # the last character may be cut off
            return encoding, codecs.getincrementaldecoder(encoding)().decode(head).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    raise DataError(f"{path}: is not encoded in any of {', '.join(encodings)}")


def _rows(text: str, separator: str) -> list[list[str]]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[list[str]] = []
    try:
        for row in lines:
            if row:
                rows.append(row)
            if len(rows) == ROWS:
                return rows
    except csv.Error:  # such as a field longer than the reader allows, because the separator is another one
        return rows or [[""]]
    return rows[:-1] if len(rows) > 2 and len(text) >= HEAD // 2 else rows or [[""]]  # the last one may be cut off


def _score(rows: list[list[str]]) -> tuple[float, int]:
    """The share of rows with as many fields as the header, if it has several; then how many."""
    width = len(rows[0])
    return (sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0), width


def _decimal(rows: list[list[str]]) -> str:
    fields = [field.strip() for row in rows for field in row]
    commas = sum(bool(COMMA_NUMBER.fullmatch(field)) for field in fields)
    points = sum(bool(POINT_NUMBER.fullmatch(field)) for field in fields)
    # 1,200 may be a thousand: only digits other than three behind the comma, or a number below one, say that it is a decimal
    decimals = sum(bool(COMMA_NUMBER.fullmatch(field)) and len(field.rpartition(",")[2]) != 3 for field in fields)
    return "," if decimals and commas > points else "."
