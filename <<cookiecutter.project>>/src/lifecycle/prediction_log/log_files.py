"""The files of the prediction log by day and kind, open for reading: JSON lines, compressed ones (.gz) and Parquet.

A day's files are opened together. So a reader that has begun with a day goes on reading the same rows while the day is compacted
or removed.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import IO, cast

from lifecycle.core.times import Window
from lifecycle.prediction_log import compacted
from lifecycle.prediction_log.compacted import Source
from lifecycle.prediction_log.places import Place, place_of

NAME = re.compile(r"[^.][^.]*(?:\.(?P<kind>feedback|refused))?\.(?P<form>jsonl|jsonl\.gz|parquet)")
GZIP, PARQUET = ".gz", ".parquet"
ATTEMPTS = 5  # to open a day whose files are exchanged meanwhile


@dataclass(frozen=True)
class LogFile:
    """A file that is open; of JSON lines, `start` is where those begin that no Parquet file of the day has."""

    path: str
    stream: IO[bytes]
    start: int = 0

    @property
    def is_compacted(self) -> bool:
        return self.path.endswith(PARQUET)

    def read(self, size: int) -> bytes:
        """Return the next bytes of JSON lines. Raises OSError if they cannot be read."""
        try:
            return self.stream.read(size)
        except (EOFError, zlib.error) as error:
            raise OSError(f"{self.path}: {error}") from None


def kind_of(name: str) -> tuple[str, str] | None:
    """Return what a file of the log holds, as `writer` names its kinds, and its form; None for a file of somebody else."""
    match = NAME.fullmatch(name)
    return match and (f"{match['kind']}.jsonl" if match["kind"] else "jsonl", f".{match['form']}")


def days(log: Path | str, kind: str, window: Window) -> Iterator[list[LogFile]]:
    """Yield the open files of each day of a window, in the order of their names, Parquet first.

    They are closed when the next day is asked for. Raises ConfigError if a URL cannot be read.
    """
    place = place_of(log)
    first, last = f"{window.since:%Y-%m-%d}", f"{window.until:%Y-%m-%d}"
    for day, paths in groupby(_names(place, "*", kind), key=_day):
        if first <= day <= last:
            with ExitStack() as stack:
                yield _opened(place, day, list(paths), kind, stack)


def _day(path: str) -> str:
    return Path(path).parent.name


def _names(place: Place, day: str, kind: str) -> list[str]:
    """The files of a kind, by day and name; without those that `gzip` is about to replace."""
    paths = [path for path in place.names(f"{day}/*") if (held := kind_of(Path(path).name)) and held[0] == kind]
    plain = set(paths)
    whole = [path for path in paths if not (path.endswith(GZIP) and path.removesuffix(GZIP) in plain)]
    return sorted(whole, key=lambda path: (_day(path), not path.endswith(PARQUET), path))


def _opened(place: Place, day: str, paths: list[str], kind: str, stack: ExitStack) -> list[LogFile]:
    for attempt in range(ATTEMPTS):
        with ExitStack() as opened:
            try:
                streams = [(path, opened.enter_context(_open(place, path))) for path in paths]
            except FileNotFoundError:  # the day was compacted or removed a moment ago
                if attempt == ATTEMPTS - 1:
                    raise
                paths = _names(place, day, kind)
                continue
            stack.push(opened.pop_all())
            break
    made_of = [source for path, stream in streams if path.endswith(PARQUET) for source in compacted.sources(stream)]
    starts = [_start(path, stream, made_of) for path, stream in streams]
    return [
        LogFile(path, stream, start) for (path, stream), start in zip(streams, starts, strict=True) if start is not None
    ]


def _open(place: Place, path: str) -> IO[bytes]:
    stream = place.open(path)
    return cast("IO[bytes]", gzip.GzipFile(fileobj=stream)) if path.endswith(GZIP) else stream


def _start(path: str, stream: IO[bytes], made_of: list[Source]) -> int | None:
    """Where the lines begin that are in none of the day's Parquet files; the file stands there then.

    None if there are none because it is an incomplete copy of a file that was compacted, as a store may have one.
    """
    name = Path(path).name.removesuffix(GZIP)
    taken = [source for source in made_of if source.name == name]
    try:
        sizes = [source.size for source in taken if source.is_start_of(stream)]
        if not sizes and any(source.begins_like(stream) for source in taken):
            return None
        start = max(sizes, default=0)
        if taken:
            stream.seek(start)
    except (EOFError, zlib.error) as error:
        raise OSError(f"{path}: {error}") from None
    return start
