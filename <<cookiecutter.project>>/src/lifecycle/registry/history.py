"""The ledger for people: all moves as a table, and the version that was in production at a given time."""

import datetime
from contextlib import suppress

from lifecycle.core import times
from lifecycle.core.errors import ConfigError
from lifecycle.core.tables import text_table
from lifecycle.registry.aliases import CANARY, PRODUCTION
from lifecycle.registry.ledger import Move

SHORT = 9  # digits of a commit
HEADER = ("when (UTC)", "move", "to", "version", "before", "commit", "who", "reason")


def table(moves: list[Move]) -> str:
    """Return the moves as a table, a line each, the last one at the end."""
    rows = [
        (
            f"{move.when[:10]} {move.when[11:19]}",
            move.action,
            f"{move.alias} {move.percent}%" if move.alias == CANARY and move.percent else move.alias,
            str(move.version),
            str(move.previous or "-"),
            move.commit[:SHORT],
            move.who,
            move.reason,
        )
        for move in moves
    ]
    return "\n".join(line.rstrip() for line in text_table(HEADER, rows).splitlines())


def at(moves: list[Move], when: datetime.datetime) -> Move | None:
    """Return the move that put the version into production that was there at a time, or None if there was none."""
    last = next((move for move in reversed(moves) if move.alias == PRODUCTION and move.time <= when), None)
    return last if last and last.state[PRODUCTION] else None


def parse_time(text: str) -> datetime.datetime:
    """Return the time that a text names: ISO 8601, in UTC unless it has an offset; a date is the end of that day.

    Raises ConfigError if it names none.
    """
    with suppress(ValueError):
        return datetime.datetime.combine(datetime.date.fromisoformat(text), datetime.time.max, datetime.UTC)
    try:
        return times.moment(text)
    except ValueError:
        raise ConfigError(f"--at {text}: not a date such as 2026-01-31 or a time such as 2026-01-31T12:00Z") from None
