"""The window of time that is looked at."""

import datetime
from dataclasses import dataclass

from lifecycle.core.errors import ConfigError
from lifecycle.core.times import UNITS, duration, moment


@dataclass(frozen=True)
class Window:
    """From `since` on until before `until`, both UTC and whole seconds."""

    since: datetime.datetime
    until: datetime.datetime

    @property
    def name(self) -> str:
        """The name of its folder, which sorts by its end: 2026-03-01T06-00-00Z-1d."""
        seconds = int((self.until - self.since).total_seconds())
        unit = next(unit for unit, length in UNITS.items() if not seconds % length)
        return f"{self.until:%Y-%m-%dT%H-%M-%SZ}-{seconds // UNITS[unit]}{unit}"

    def before(self, delay: datetime.timedelta) -> "Window":
        return Window(self.since - delay, self.until - delay)

    def overlap(self, other: "Window") -> datetime.timedelta:
        """Return how long both last at the same time."""
        return max(min(self.until, other.until) - max(self.since, other.since), datetime.timedelta())


def window(since: str | None, until: str | None, length: str, now: datetime.datetime) -> Window:
    """Return the window between two times, either of which may be left out: it is `length` long then, and ends now.

    Raises ConfigError if a text names no time or length, or the window is empty or lies ahead.
    """
    try:
        end = moment(until) if until else now
        start = moment(since) if since else end - duration(length)
    except (ValueError, OverflowError) as error:
        raise ConfigError(str(error)) from None
    found = Window(start.replace(microsecond=0), end.replace(microsecond=0))
    if not found.since < found.until:
        raise ConfigError(f"the window is empty: it would begin at {found.since} and end at {found.until}")
    if found.until > now:
        raise ConfigError(f"the window ends at {found.until}, which is not over yet")
    return found
