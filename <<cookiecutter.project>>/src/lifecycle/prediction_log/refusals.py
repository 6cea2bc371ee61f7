"""Rows that servers refused in a window, and why: a client whose rows break the contract gets no answer, so no other line tells of it."""

import datetime
import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lifecycle.core.times import Window
from lifecycle.prediction_log.reader import blocks
from lifecycle.prediction_log.writer import REFUSED


class Mistake(NamedTuple):
    """Why rows were refused."""

    column: str
    """Empty if it is none of a column, as for a body that is not JSON."""
    rule: str
    """In pydantic's terms, such as `missing` or `literal_error`."""
    value: str
    """The kind of the value: text, integer, number, boolean, null, list, object or missing."""


@dataclass
class Refusals:
    """The rows that were refused in a window."""

    rows: int = 0
    mistakes: Counter[Mistake] = field(default_factory=Counter)
    """How many rows were refused for each; a row may have several."""
    broken: int = 0
    """Lines that cannot be read."""


def refusals(log: Path | str, window: Window, roles: Collection[str], version: int) -> Refusals:
    """Return what was refused in a window while a version answered in one of some roles. A request is refused with all its rows."""
    refused = Refusals()
    for lines in blocks(log, window, REFUSED):
        for line in lines:
            try:
                refusal = json.loads(line)
                time = datetime.datetime.fromisoformat(refusal["time"])
                counted = window.since <= time < window.until
                if counted and refusal["role"] in roles and refusal["version"] == version:
                    _add(refused, refusal)
            except (ValueError, KeyError, TypeError, RecursionError):
                refused.broken += 1
    return refused


def _add(refused: Refusals, refusal: dict[str, Any]) -> None:
    rows = int(refusal["rows"])
    mistakes = {Mistake(*(str(mistake[name]) for name in Mistake._fields)) for mistake in refusal["mistakes"]}
    refused.rows += rows
    refused.mistakes.update(dict.fromkeys(mistakes, rows))
