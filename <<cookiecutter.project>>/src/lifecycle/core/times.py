"""Times and lengths of time as people write them on the command line and in settings."""

import datetime
import re

from lifecycle.core.errors import ConfigError

UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}  # seconds


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def window(text: str) -> tuple[datetime.datetime, datetime.datetime]:
    """Return the start and end of the last `30m`, `12h`, `1d` or `2w`. Raises ConfigError if the text is none."""
    try:
        return now() - duration(text), now()
    except ValueError:
        raise ConfigError(f"--window {text}: write a number and m, h, d or w, as in 12h") from None


def duration(text: str) -> datetime.timedelta:
    """Return the length that `30m`, `12h`, `1d` or `2w` names. Raises ValueError if the text names none."""
    found = re.fullmatch(r"([1-9]\d{0,4})([mhdw])", text)
    if not found:
        raise ValueError(f"{text!r} is no length of time: write a number and m, h, d or w, as in 12h")
    return datetime.timedelta(seconds=int(found[1]) * UNITS[found[2]])


def moment(text: str) -> datetime.datetime:
    """Return the time that a text names, UTC unless it says otherwise. Raises ValueError if it names none."""
    try:
        found = datetime.datetime.fromisoformat(text)
        return found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: write 2026-01-31 or 2026-01-31T12:00, in UTC") from None
