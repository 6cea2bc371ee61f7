"""How a CSV file is opened and read, as data.csv in params.yaml says."""

import codecs
import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as arrow
import pyarrow.csv

from lifecycle.core.config import Csv
from lifecycle.core.errors import DataError

BLOCK = 8_388_608  # bytes, eight times the default: fewer blocks to join
START = 65_536  # bytes from which the form of a file is known


def read_options(form: Csv) -> Any:
    """Return Arrow's options for reading: the encoding and the size of a block."""
    return pyarrow.csv.ReadOptions(block_size=BLOCK, encoding="utf8" if form.encoding == "utf-8" else form.encoding)


def parse_options(form: Csv) -> Any:
    """Return Arrow's options for parsing: the separator; a quoted value may hold line breaks."""
    return pyarrow.csv.ParseOptions(delimiter=form.separator, newlines_in_values=True)


def convert_options(form: Csv, types: dict[str, arrow.DataType]) -> Any:
    """Return Arrow's options for converting: the columns to read with their types, the decimal point and the spellings of null."""
    return pyarrow.csv.ConvertOptions(
        column_types=types,
        include_columns=list(types),
        strings_can_be_null=True,
        decimal_point=form.decimal,
        null_values=form.nulls,
    )


def null_spellings(form: Csv) -> list[str]:
    """Return the texts that are null in a CSV file."""
    return list(pyarrow.csv.ConvertOptions().null_values if form.nulls is None else form.nulls)


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading its bytes, decompressed: .gz, .bz2, .zst, or .zip with a single file in it.

    Raises DataError if a .zip file is broken or does not hold exactly one file; OSError for any other that cannot be read.
    """
    if path.suffix.lower() != ".zip":
        with arrow.input_stream(str(path), compression="detect") as stream:
            yield cast("BinaryIO", stream)
        return
    try:
        with zipfile.ZipFile(path) as archive, _member(path, archive) as stream:
            yield stream
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None


def csv_header(path: Path, form: Csv) -> list[str]:
    """Return the names in the first line of a CSV file that is not empty."""
    with open_bytes(path) as stream:
        lines = csv.reader(text_lines(stream, form), delimiter=form.separator)
        return next((line for line in lines if line), [])


def text_lines(stream: BinaryIO, form: Csv) -> io.TextIOWrapper:
    """Return the text of a stream, its line breaks unchanged and without a byte order mark."""
    return io.TextIOWrapper(stream, encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding, newline="")


def line_end(path: Path, form: Csv) -> str:
    """Return how lines end in a CSV file: in "\\r\\n" if its beginning has that, else in "\\n"."""
    with open_bytes(path) as stream:
        start = stream.read(START)
    return "\r\n" if "\r\n".encode(_codec(form, start)) in start else "\n"


def append_text(path: Path, text: str, target: Path, form: Csv) -> None:
    """Copy a CSV file, and write a text on new lines at its end; compressed as the suffix of the target says."""
    with open_bytes(path) as old, _compressed(target, path) as new:
        block = last = old.read(START)
        codec = _codec(form, block)
        while block:
            new.write(block)
            last, block = block, old.read(BLOCK)
        start = "" if last.endswith(("\n".encode(codec), "\r".encode(codec))) else line_end(path, form)
        if text:
            new.write((start + text).encode(codec))


def _codec(form: Csv, start: bytes) -> str:
    """The codec that writes text without a byte order mark, which only the beginning of a file has."""
    if form.encoding != "utf-16":
        return form.encoding
    return "utf-16-be" if start.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"


@contextmanager
def _compressed(target: Path, like: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, compressed as its suffix says; in a .zip file as the member that `like` has."""
    if target.suffix.lower() != ".zip":
        with arrow.output_stream(str(target), compression="detect") as stream:
            yield cast("BinaryIO", stream)
        return
    with zipfile.ZipFile(like) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        name = next(name for name in old.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/"))
        with new.open(name, "w", force_zip64=True) as stream:
            yield cast("BinaryIO", stream)


def _member(path: Path, archive: zipfile.ZipFile) -> BinaryIO:
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if len(names) != 1:
        raise DataError(f"{path}: holds {len(names)} files; it must hold a single one")
    try:
        return cast("BinaryIO", archive.open(names[0]))
    except (NotImplementedError, RuntimeError) as error:  # a compression that Python does not have, or a password
        raise DataError(f"{path}: cannot be read: {error}") from None
