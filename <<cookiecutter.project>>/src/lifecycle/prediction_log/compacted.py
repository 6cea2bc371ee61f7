"""The Parquet files of the prediction log: the lines of days that are over as they were written, with their heads as columns.

Each file names the files of JSON lines that it was made of, with length and hash of what it took from each. So whatever is left of
them beside it, after a compaction that was cut off, is not read twice.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import pyarrow as arrow
import pyarrow.parquet

from lifecycle.prediction_log.lines import Lines

TIME = arrow.timestamp("ms", "UTC")
HEAD = arrow.schema({"time": TIME, "role": arrow.string(), "version": arrow.int64(), "request_id": arrow.string()})
LINE = "line"
SCHEMA = arrow.schema([*HEAD, arrow.field(LINE, arrow.binary())])
SOURCES = "sources"  # the key in the metadata of a file
READ_AT_ONCE = 4_194_304  # bytes, to hash a file


class Source(NamedTuple):
    """A file of JSON lines, and what of it is in a Parquet file: its first bytes, not compressed."""

    name: str
    """Without .gz."""
    size: int
    sha256: str
    first: str
    """The hash of its first line."""

    def is_start_of(self, stream: IO[bytes]) -> bool:
        """Return whether a file begins with these bytes. It is read from its start."""
        stream.seek(0)
        return digest(stream, self.size) == self.sha256

    def begins_like(self, stream: IO[bytes]) -> bool:
        """Return whether a file has the same first line: if it goes on otherwise, it is an older copy, or one that was cut short."""
        stream.seek(0)
        content = stream.read(READ_AT_ONCE)
        return bool(content.partition(b"\n")[0]) and hash_of_first_line(content) == self.first


def row_groups(stream: IO[bytes]) -> Iterator[tuple[arrow.Table, Lines]]:
    """Yield the heads of the lines of a file, null where a line has none, and the lines. Raises OSError if it is damaged."""
    try:
        with pyarrow.parquet.ParquetFile(stream) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                yield table.select(HEAD.names), Lines(table[LINE].combine_chunks())
    except arrow.ArrowException as error:
        raise OSError(f"{getattr(stream, 'name', 'a Parquet file')}: {str(error)[:200]}") from None


def sources(stream: IO[bytes]) -> list[Source]:
    """Return what a Parquet file was made of. Raises OSError if it is damaged."""
    try:
        metadata = pyarrow.parquet.read_metadata(stream).metadata or {}
        return [Source(*source) for source in json.loads(metadata.get(SOURCES.encode(), b"[]"))]
    except (arrow.ArrowException, ValueError, TypeError) as error:
        raise OSError(f"{getattr(stream, 'name', 'a Parquet file')}: {str(error)[:200]}") from None
    finally:
        stream.seek(0)


def writer(path: Path) -> pyarrow.parquet.ParquetWriter:
    """Return what writes tables of SCHEMA to a file. Before it is closed it is given the file's sources with `name_sources`."""
    options = {"compression": "zstd", "use_dictionary": ["role", "version"], "write_statistics": HEAD.names}
    return pyarrow.parquet.ParquetWriter(path, SCHEMA, **options)


def name_sources(file: pyarrow.parquet.ParquetWriter, made_of: Sequence[Source]) -> None:
    file.add_key_value_metadata({SOURCES: json.dumps(made_of).encode()})


def hash_of_first_line(content: bytes) -> str:
    return hashlib.sha256(content.partition(b"\n")[0]).hexdigest()


def digest(stream: IO[bytes], most: int) -> str:
    """Return the hash of the next bytes of a file, or of what there is, if it is less."""
    content = hashlib.sha256()
    while most and (more := stream.read(min(most, READ_AT_ONCE))):
        content.update(more)
        most -= len(more)
    return content.hexdigest() if not most else ""
