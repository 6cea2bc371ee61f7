"""Two versions of a CSV file to which rows were appended, joined."""

import csv
import io
from pathlib import Path

from lifecycle.core.config import Csv
from lifecycle.core.csv_format import append_text, csv_header, open_bytes, text_lines
from lifecycle.core.errors import DataError

BLOCK = 8_388_608  # characters
Records = dict[tuple[str, ...], str]
"""The values of a row, and the text in which the file has them."""


def join(base: Path | None, ours: Path, theirs: Path, target: Path, form: Csv, key: str) -> None:
    """Write the file of ours, then the rows that only theirs appended, as they are written there.

    Args:
        base: the file that both sides started from; None if both made it.
        ours: the file of our side.
        theirs: the file of the other side.
        target: the file to write.
        form: how the files are written.
        key: the column that identifies a row.

    Raises DataError if a side does more than append rows, or if both append a row with the same key and other values.
    """
    header = csv_header(ours, form)
    if csv_header(theirs, form) != header:
        raise DataError("their columns differ")
    of_ours, of_theirs = (
        _records(_appended(base, path, name, form), form) for path, name in ((ours, "ours"), (theirs, "theirs"))
    )
    new = {values: text for values, text in of_theirs.items() if values not in of_ours}
    if key and key in header:
        position = header.index(key)
        keys = {values[position] for values in of_ours if len(values) > position}
        if clash := next(
            (values[position] for values in new if len(values) > position and values[position] in keys), None
        ):
            raise DataError(f"both append a row with {key} {clash}, with other values")
    append_text(ours, "".join(new.values()), target, form)


def _appended(base: Path | None, path: Path, side: str, form: Csv) -> str:
    """The text that a side has behind that of the base."""
    with open_bytes(path) as stream:
        text = text_lines(stream, form)
        last = text.readline() if base is None else _skip(base, text, side, form)
        rest = text.read()
    if rest and not last.endswith(("\n", "\r")) and not rest.startswith(("\n", "\r")):
        raise DataError(f"{side} changes the last row")
    return rest.lstrip("\r\n")


def _skip(base: Path, text: io.TextIOWrapper, side: str, form: Csv) -> str:
    """Read the text of the base from that of a side, and return its last block."""
    last = ""
    with open_bytes(base) as stream:
        before = text_lines(stream, form)
        while block := before.read(BLOCK):
            if text.read(len(block)) != block:
                raise DataError(f"{side} changes or removes rows")
            last = block
    return last


def _records(text: str, form: Csv) -> Records:
    """The rows in a text, each with its lines: a quoted value may hold line breaks."""
    lines = list(io.StringIO(text, newline=""))
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n"
    reader, start, records = csv.reader(lines, delimiter=form.separator), 0, {}
    for values in reader:
        if values:
            records[tuple(values)] = "".join(lines[start : reader.line_num])
        start = reader.line_num
    return records
