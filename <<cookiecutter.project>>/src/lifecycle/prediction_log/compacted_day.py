"""One day's JSON lines of a kind, into a Parquet file."""

import datetime
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as arrow

from lifecycle.core.times import Window
from lifecycle.prediction_log import compacted, log_files, reader
from lifecycle.prediction_log.compacted import Source
from lifecycle.prediction_log.log_files import GZIP, PARQUET, LogFile

UNFINISHED = ".parquet.unfinished"


class CompactedDay(NamedTuple):
    """What was done."""

    lines: int = 0
    files: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


class HashedStream:
    """A stream that notes how many bytes were read of it, and their hash."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._hash, self.bytes, self._first = stream, hashlib.sha256(), 0, ""

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._hash.update(content)
        self._first = self._first or compacted.hash_of_first_line(content[: compacted.READ_AT_ONCE])
        self.bytes += len(content)
        return content

    def source(self, path: str) -> Source:
        return Source(Path(path).name.removesuffix(GZIP), self.bytes, self._hash.hexdigest(), self._first)


def compact(folder: Path, kind: str) -> CompactedDay:
    """Write a day's JSON lines of a kind to a Parquet file, then remove them. Nobody else may change the day meanwhile.

    Raises OSError if a file cannot be read or written; then the day is as it was.
    """
    for files in log_files.days(folder.parent, kind, window_of(folder)):
        texts = [file for file in files if not file.is_compacted]
        if texts:
            lines, size, made_of = _replace(folder, texts, kind)
            for text, source in zip(texts, made_of, strict=True):
                _remove(Path(text.path), source)
            return CompactedDay(lines, len(texts), sum(source.size for source in made_of), size)
    return CompactedDay()


def window_of(folder: Path) -> Window:
    """Return a window that is in a day's folder alone."""
    start = datetime.datetime.fromisoformat(f"{folder.name}T00:00:00+00:00")
    return Window(start, start)


def table_of(lines: Sequence[bytes]) -> arrow.Table:
    """Return lines with their heads as columns, null where a line cannot be read."""
    heads, places = reader.heads(lines, compacted.HEAD)
    rows = np.full(len(lines), -1)
    rows[places] = np.arange(len(places))
    head = heads.combine_chunks().take(arrow.array(rows, mask=rows < 0))
    return head.append_column(compacted.SCHEMA.field(compacted.LINE), arrow.array(lines, arrow.binary()))


def _replace(folder: Path, texts: list[LogFile], kind: str) -> tuple[int, int, list[Source]]:
    """Put the Parquet file in its place, if there are lines for it; return how many, its size, and what it was made of."""
    unfinished = folder / UNFINISHED
    try:
        lines, made_of = _write(texts, unfinished)
        size = unfinished.stat().st_size if lines else 0
        if lines:
            put(unfinished, folder / _name(made_of, kind))
    finally:
        unfinished.unlink(missing_ok=True)
    return lines, size, made_of


def _write(texts: list[LogFile], path: Path) -> tuple[int, list[Source]]:
    """Write what is not in a Parquet file of the day yet; return how many lines that is, and what the file was made of."""
    streams = [HashedStream(text.stream) for text in texts]
    count = 0
    with compacted.writer(path) as file:
        for lines in _row_groups(texts, streams):
            file.write_table(table_of(lines))
            count += len(lines)
        made_of = [stream.source(text.path) for text, stream in zip(texts, streams, strict=True)]
        compacted.name_sources(file, made_of)
    return count, made_of


def _row_groups(texts: list[LogFile], streams: list[HashedStream]) -> Iterator[list[bytes]]:
    """The lines of all files, about reader.BLOCK bytes at a time."""
    waiting: list[bytes] = []
    size = 0
    for text, stream in zip(texts, streams, strict=True):
        text.stream.seek(0)
        hashed = LogFile(text.path, stream, text.start)  # type: ignore[arg-type]
        while stream.bytes < text.start:
            hashed.read(min(compacted.READ_AT_ONCE, text.start - stream.bytes))
        for lines in reader.line_blocks(hashed):
            waiting += lines
            size += sum(map(len, lines))
            if size >= reader.BLOCK:
                yield waiting
                waiting, size = [], 0
    if waiting:
        yield waiting


def _name(made_of: list[Source], kind: str) -> str:
    """The name of a file of a kind, always the same for the same sources."""
    digest = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:12]
    return f"{digest}.{kind}".removesuffix("jsonl").removesuffix(".") + PARQUET


def put(unfinished: Path, place: Path) -> None:
    """Move a file to its place in one step, on disk before anything that it replaces is removed."""
    _flush(unfinished)
    os.replace(unfinished, place)
    _flush(place.parent)


def _flush(path: Path) -> None:
    """Have a file, or the names in a folder, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path, source: Source) -> None:
    """Remove a file that is in Parquet, unless a server has added to it since; and the copy that `gzip` may have begun to make of it."""
    if path.suffix == GZIP or path.stat().st_size == source.size:
        Path(f"{path}{GZIP}").unlink(missing_ok=True)
        path.unlink()
