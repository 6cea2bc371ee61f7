"""The rows of an id in a table, a CSV or a Parquet file: found, or taken out; the other rows of a CSV file stay byte for byte."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.parquet

from lifecycle.core.config import Csv
from lifecycle.core.csv_format import open_bytes
from lifecycle.core.errors import DataError
from lifecycle.core.files import replacing
from lifecycle.core.raw_table import PARQUET

BYTE_ORDER_MARKS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
CSV = (".csv", ".tsv", ".txt")


def tables(path: Path) -> list[Path]:
    """Return a file itself, or the tables of a folder and what is below it, without hidden ones."""
    if not path.is_dir():
        return [path]
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and is_table(file.name)]
    return [file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts)]


def is_table(name: str) -> bool:
    return name.endswith(PARQUET) or any(suffix in CSV for suffix in Path(name).suffixes)


def count(path: Path, column: str, row_id: str, form: Csv, name: str = "") -> int:
    """Return how many rows of a file have an id; 0 if it does not have the column.

    Args:
        path: of the file.
        column: of the ids.
        row_id: the id, as text.
        form: how a CSV file is written.
        name: whose suffix tells the format, if that of the path does not.

    Raises DataError if the file cannot be read.
    """
    try:
        if (name or path.name).endswith(PARQUET):
            with pyarrow.parquet.ParquetFile(path) as file:
                if column not in file.schema_arrow.names:
                    return 0
                return sum(_text(value) == row_id for value in file.read([column])[column].to_pylist())
        return sum(matches for _, matches in _records(_decoded(path, form)[1], column, row_id, form))
    except (arrow.ArrowException, OSError, EOFError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {str(error)[:200]}") from None


def remove(path: Path, column: str, row_id: str, form: Csv) -> int:
    """Take the rows of an id out of a file, in one step, and return how many. A file without any stays untouched.

    Raises DataError if the file cannot be read.
    """
    matching = count(path, column, row_id, form)
    if not matching:
        return 0
    if path.name.endswith(PARQUET):
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read()
        is_other = arrow.array([_text(value) != row_id for value in table[column].to_pylist()])
        with replacing(path) as temporary:
            pyarrow.parquet.write_table(table.filter(is_other), temporary)
        return matching
    codec, text = _decoded(path, form)
    rest = "".join(record for record, matches in _records(text, column, row_id, form) if not matches)
    with replacing(path) as temporary:
        target = temporary.with_name(f"{temporary.name}{path.suffix}")  # whose suffix says how to compress it
        try:
            _write(target, path, BYTE_ORDER_MARKS.get(codec, b"") * text.startswith("\ufeff") + rest.encode(codec))
            target.replace(temporary)
        finally:
            target.unlink(missing_ok=True)
    return matching


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _decoded(path: Path, form: Csv) -> tuple[str, str]:
    """The codec and the text of a file, with its byte order mark."""
    with open_bytes(path) as stream:
        content = stream.read()
    codec: str = form.encoding
    if codec == "utf-16":
        codec = "utf-16-be" if content.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
    return codec, content.decode(codec)


def _records(text: str, column: str, row_id: str, form: Csv) -> Iterator[tuple[str, bool]]:
    """The header and the rows as the file has them, and whether each has the id: a quoted value may hold line breaks."""
    lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    reader, start, position = csv.reader(lines, delimiter=form.separator), 0, None
    for values in reader:
        record = "".join(lines[start : reader.line_num])
        start = reader.line_num
        is_header = position is None and bool(values)
        if is_header:
            position = values.index(column) if column in values else -1
        has_id = not is_header and position is not None and 0 <= position < len(values)
        yield record, has_id and values[position].strip() == row_id  # type: ignore[index]


def _write(target: Path, like: Path, content: bytes) -> None:
    if like.suffix.lower() != ".zip":
        with arrow.output_stream(str(target), compression="detect") as stream:
            stream.write(content)
        return
    with zipfile.ZipFile(like) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        members = [name for name in old.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        new.writestr(members[0], content)
