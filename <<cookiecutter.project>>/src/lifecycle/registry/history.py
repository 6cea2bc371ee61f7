"""The ledger for people: all moves as a table, and what was in production at a time."""

import datetime
from contextlib import suppress

from lifecycle.core.errors import ConfigError
from lifecycle.registry.aliases import CANARY, PRODUCTION
from lifecycle.registry.ledger import Move

SHORT = 9


def table(moves: list[Move]) -> str:
    """Return the moves as a table, a line each, the last one at the end."""
    header = ("when (UTC)", "move", "to", "version", "before", "commit", "who", "reason")
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
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)


def at(moves: list[Move], when: datetime.datetime) -> Move | None:
    """Return the move by which a version was in production at a time, or None if none was."""
    last = next((move for move in reversed(moves) if move.alias == PRODUCTION and move.time <= when), None)
    return last if last and last.state[PRODUCTION] else None


def moment(text: str) -> datetime.datetime:
    """Return the time that a text names: ISO 8601, UTC unless it says otherwise; a date is the end of that day.

    Raises ConfigError if it names none.
    """
    try:
        with suppress(ValueError):
            day = datetime.date.fromisoformat(text)
            return datetime.datetime.combine(day, datetime.time.max, datetime.UTC)
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at {text}: not a date such as 2026-01-31 or a time such as 2026-01-31T12:00Z") from None
    return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
