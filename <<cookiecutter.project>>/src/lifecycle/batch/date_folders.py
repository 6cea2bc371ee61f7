"""The folders of a table's dates, from which a range of dates is scored."""

import datetime
import re
from collections.abc import Iterable

from lifecycle.batch.output import DATE, NOTHING_WRITTEN
from lifecycle.core.errors import ConfigError

FOLDER = re.compile(r"([^=]+)=(\d{4}-\d{2}-\d{2})")


def days(first: datetime.date, last: datetime.date | None) -> tuple[str, ...]:
    """Return every date from the first to the last, both included; without a last one only the first."""
    count = (last - first).days + 1 if last else 1
    return tuple((first + datetime.timedelta(days=day)).isoformat() for day in range(count))


def dated_folders(source: str, names: Iterable[str], dates: tuple[str, ...]) -> dict[str, str]:
    """Return the names of the folders that hold the rows of dates, such as date=2026-03-01, by their date.

    Args:
        source: the table's folder.
        names: what it holds.
        dates: those that are to be scored.

    Raises ConfigError if there is no folder for any of these dates, or folders are named after several columns.
    """
    named = [match for match in map(FOLDER.fullmatch, sorted(names)) if match]
    if not named:
        raise ConfigError(
            f"{source}: a range of dates needs a folder for each date, such as {DATE}={dates[0]}, and it has none: "
            f"partition the table by its date, or score it as a whole with --as-of {dates[-1]}; {NOTHING_WRITTEN}"
        )
    if len(columns := sorted({match[1] for match in named})) > 1:
        raise ConfigError(
            f"{source}: has folders of several columns of dates ({', '.join(columns)}), of which a range takes one; {NOTHING_WRITTEN}"
        )
    folders = {match[2]: match[0] for match in named if match[2] in dates}
    if not folders:
        raise ConfigError(
            f"{source}: has no folder for a date from {dates[0]} to {dates[-1]}: its first is {named[0][0]}, its last {named[-1][0]}; "
            f"{NOTHING_WRITTEN}"
        )
    return folders
