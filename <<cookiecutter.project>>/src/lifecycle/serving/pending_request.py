"""Rows that wait for a version to score them."""

import asyncio
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple


class Answer(NamedTuple):
    """What a version says about a row."""

    tail: bytes  # JSON without its opening brace: a response begins otherwise than a line of the log
    score: float  # see canary_stats.py


@dataclass(slots=True)
class Row:
    """A record to be scored."""

    request_id: str
    row_id: str  # its id in the data, or, if it has none, that of its content
    record: bytes  # JSON
    since: float  # when it arrived, by time.perf_counter()
    trace: bytes = b""  # the header `traceparent`, if it was sent


def content_id(record: bytes) -> str:
    """Return an id for a record without one: the same for the same values, as the row model writes them."""
    return blake2b(record, digest_size=8).hexdigest()


@dataclass(slots=True)
class PendingRequest:
    """Rows that one version scores together, and the future of their answers."""

    rows: list[Row]
    role: str
    future: asyncio.Future[list[Answer]]
    since: float  # when this version got it, by time.perf_counter(): another may have failed on it before
    production_answers: list[Answer] = field(default_factory=list)  # if the version is a shadow

    def fail(self, error: Exception) -> None:
        """Give the error to whoever waits."""
        if not self.future.done():
            self.future.set_exception(error)
