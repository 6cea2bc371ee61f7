"""Times, lengths of time and windows, as people write them on the command line and in settings."""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lifecycle.core.errors import ConfigError

UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}  # seconds
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """From `since` until before `until`, both in UTC."""

    since: datetime.datetime
    until: datetime.datetime

    @property
    def name(self) -> str:
        """Its end and length, in a form that sorts by the end: 2026-03-01T06-00-00Z-1d."""
        seconds = int((self.until - self.since).total_seconds())
        unit = next(unit for unit, length in UNITS.items() if not seconds % length)
        return f"{self.until:%Y-%m-%dT%H-%M-%SZ}-{seconds // UNITS[unit]}{unit}"

    def before(self, delay: datetime.timedelta) -> "Window":
        """Return the window of the same length that ends `delay` earlier."""
        return Window(self.since - delay, self.until - delay)

    def overlap(self, window: "Window") -> datetime.timedelta:
        """Return how long both windows last at the same time."""
        return max(min(self.until, window.until) - max(self.since, window.since), datetime.timedelta())


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def window(
    since: str | None,
    until: str | None,
    length: str | None,
    latest: datetime.datetime,
    whole_seconds: bool = False,
) -> Window:
    """Return the window that the options --since, --until and --window describe.

    Args:
        since: its start; None: `length` before its end, or, without a length, the beginning of all logs.
        until: its end; None: `latest`.
        length: such as 12h.
        latest: where it ends at the latest.
        whole_seconds: whether both ends are cut to seconds.

    Raises ConfigError if a text is not a time or a length, or the window is empty or ends in the future.
    """
    end = _parsed("--until", moment, until) if until is not None else latest
    if since is not None:
        start = _parsed("--since", moment, since)
    else:
        start = EPOCH if length is None else end - min(_parsed("--window", duration, length), end - EPOCH)
    start = max(start, EPOCH)
    if whole_seconds:
        start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    if not start < end:
        raise ConfigError(f"the window is empty: it begins at {_text(start)} and ends at {_text(end)}")
    if end > latest:
        raise ConfigError(f"the window ends at {_text(end)}, which is in the future")
    return Window(start, end)


def duration(text: str) -> datetime.timedelta:
    """Return the length that `30m`, `12h`, `1d` or `2w` names. Raises ValueError for any other text."""
    match = re.fullmatch(r"([1-9]\d{0,4})([mhdw])", text)
    if not match:
        raise ValueError(f"{text!r} is not a length of time: write a number and m, h, d or w, as in 12h")
    return datetime.timedelta(seconds=int(match[1]) * UNITS[match[2]])


def moment(text: str) -> datetime.datetime:
    """Return the time that a text names, in UTC unless it has an offset; a date is its midnight. Raises ValueError for any other text."""
    try:
        time = datetime.datetime.fromisoformat(text)
        return time.replace(tzinfo=datetime.UTC) if time.tzinfo is None else time.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time: write 2026-01-31 or 2026-01-31T12:00, in UTC") from None


def _parsed(option: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None


def _text(time: datetime.datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
