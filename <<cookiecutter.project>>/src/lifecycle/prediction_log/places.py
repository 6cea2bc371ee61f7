"""Where the prediction log is, a folder or a store: how its files are found and opened. A store has a bounded time for each call."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from lifecycle.core.errors import ConfigError
from lifecycle.core.outage import within

BLOCK = 16_777_216  # bytes that are asked of a store at once

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Where the log is: how its files are found and opened."""

    names: Callable[[str], list[str]]
    """The paths that match a pattern."""
    open: Callable[[str], IO[bytes]]


class BoundedStream:
    """A file of a store that is open: what does not come within the time of a call is an OutageError."""

    def __init__(self, stream: IO[bytes], subject: str) -> None:
        self._stream, self._subject = stream, subject

    def read(self, size: int = -1) -> bytes:
        return self._within(lambda: self._stream.read(size))

    def seek(self, place: int, whence: int = 0) -> int:
        return self._within(lambda: self._stream.seek(place, whence))

    def tell(self) -> int:
        return self._stream.tell()

    @property
    def closed(self) -> bool:
        return self._stream.closed

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def flush(self) -> None:
        """There is nothing to write."""

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> "BoundedStream":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _within(self, call: Callable[[], T]) -> T:
        return within(call, self._subject)


def place_of(log: Path | str, what: str = "the log") -> Place:
    """Return how a folder, or the URL of one, is read; `what` is in it, for a message.

    Raises ConfigError if that needs an extra, or is no URL; its functions do if there is no such folder, or the store does not answer.
    """
    if "://" not in str(log):
        return Place(lambda pattern: [str(path) for path in Path(log).glob(pattern)], lambda path: open(path, "rb"))
    import fsspec

    try:
        store, root = fsspec.core.url_to_fs(str(log))
    except (ImportError, ValueError) as error:  # it needs the extra of that store, or is not a URL
        raise ConfigError(f"{log}: cannot be read: {error}") from None
    subject = f"{log}: {what} cannot be read"

    def names(pattern: str) -> list[str]:
        store.invalidate_cache()  # it would answer from memory
        paths: list[str] = within(lambda: store.glob(f"{root.rstrip('/')}/{pattern}"), subject)
        if not paths and not within(lambda: store.exists(root), subject):
            raise ConfigError(f"{subject}: there is no such folder, or it is empty")
        return paths

    def opened(path: str) -> IO[bytes]:
        stream: Any = within(lambda: store.open(path, "rb", block_size=BLOCK), subject)
        return cast("IO[bytes]", BoundedStream(stream, subject))

    return Place(names, opened)
