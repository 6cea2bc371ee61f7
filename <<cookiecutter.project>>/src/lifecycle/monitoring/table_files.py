"""The files of a table that was scored, or of its scores: Parquet or CSV, a file or a folder, here or in a store. Read a batch at a time."""

import bz2
import glob
import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as arrow
import pyarrow.csv
import pyarrow.parquet

from lifecycle.core.config import Csv
from lifecycle.core.csv_format import convert_options, parse_options, read_options
from lifecycle.core.errors import ConfigError
from lifecycle.prediction_log.places import Place, place_of

PARQUET = (".parquet", ".parq", ".pq")
UNPACKED: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".bz2": bz2.open}
CSV = tuple(f"{name}{packed}" for name in (".csv", ".tsv", ".txt") for packed in ("", *UNPACKED))
DATE = re.compile(r"/date=(\d{4}-\d{2}-\d{2})/")
HIDDEN = re.compile(r"/(\.|_[^/=]*(/|$))")  # a name that begins with a dot or an underscore, unless it gives a column
BATCH_ROWS = 65_536
BUFFER = 1_048_576  # bytes of a column that are read at once; of a store's file it is the whole column of a row group


@dataclass(frozen=True)
class TableFile:
    """A file of a table."""

    place: Place
    path: str
    date: str | None
    """Of its folder `date=...`, if it is in one."""
    is_remote: bool = False

    @property
    def is_csv(self) -> bool:
        return self.path.lower().endswith(CSV)

    def columns(self, form: Csv) -> list[str]:
        """Return the names of the columns. Raises ConfigError if the file cannot be read."""
        with _readable(self.path), self._opened() as stream:
            if self.is_csv:
                with pyarrow.csv.open_csv(stream, read_options(form), parse_options(form)) as reader:
                    return list(reader.schema.names)
            return list(pyarrow.parquet.read_schema(stream).names)

    def batches(self, columns: list[str], form: Csv) -> Iterator[arrow.Table]:
        """Yield columns a batch at a time, those of a CSV file as texts in which nothing is null, without lines that have too few or
        too many values. Raises ConfigError if the file cannot be read.
        """
        with _readable(self.path), self._opened() as stream:
            if self.is_csv:
                options = convert_options(form, dict.fromkeys(columns, arrow.string()))
                options.strings_can_be_null = False
                whole_lines = parse_options(form)
                whole_lines.invalid_row_handler = lambda _: "skip"
                with pyarrow.csv.open_csv(stream, read_options(form), whole_lines, options) as reader:
                    yield from (arrow.Table.from_batches([batch]) for batch in reader)
            else:
                with pyarrow.parquet.ParquetFile(stream, buffer_size=self._buffer, pre_buffer=False) as file:
                    for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                        yield arrow.Table.from_batches([batch]).select(columns)

    @property
    def _buffer(self) -> int:
        return 0 if self.is_remote else BUFFER

    def _opened(self) -> IO[bytes]:
        stream = self.place.open(self.path)
        unpacked = UNPACKED.get(Path(self.path).suffix.lower())
        return cast("IO[bytes]", unpacked(stream)) if unpacked else stream


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (arrow.ArrowException, OSError, UnicodeError, KeyError) as error:
        raise ConfigError(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from None


def table_files(table: str, option: str, ending: str = "") -> list[TableFile]:
    """Return the files of a table, sorted by path; with an `ending`, those of the table beside it that is so called.

    Names that begin with a dot or an underscore are skipped. Raises ConfigError if there is no such table; `option` named it.
    """
    parent, name = _apart(table, option)
    place, root = place_of(parent, "the folder"), f"{name}{ending}"
    start = f"{parent.partition('://')[2] or parent}/{root}".strip("/")
    paths = [path for path in place.names(f"{glob.escape(root)}/**/*") if path.lower().endswith((*PARQUET, *CSV))]
    inside = {path: path.strip("/").removeprefix(start) for path in sorted(paths)}
    files = {path: within for path, within in inside.items() if not HIDDEN.search(within)}
    if not files and root.lower().endswith((*PARQUET, *CSV)):
        files = {path: "" for path in place.names(glob.escape(root))}
    if not files and not ending and not place.names(glob.escape(root)):
        raise ConfigError(f"{option} {table}: no such file or folder")
    dates = {path: match[1] if (match := DATE.match(within)) else None for path, within in files.items()}
    return [TableFile(place, path, date, "://" in table) for path, date in dates.items()]


def _apart(table: str, option: str) -> tuple[str, str]:
    """The folder that a table is in, and its name there."""
    if "://" not in table:
        path = Path(table).absolute()
        return str(path.parent), path.name
    parent, _, name = table.rstrip("/").rpartition("/")
    if parent.endswith("/"):
        raise ConfigError(f"{option} {table}: name a folder in it")
    return parent, name
