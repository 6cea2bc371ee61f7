"""Dates of the command line. Each function raises ArgumentTypeError if a text is none."""

import argparse
import datetime

MAX_DATES = 3660  # of a range


def column_and_date(text: str) -> tuple[str, str]:
    """Return the column and the date of COLUMN=DATE."""
    column, _, date = text.rpartition("=")
    if not column:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form COLUMN=DATE")
    return column, _date(date).isoformat()


def dates(text: str) -> tuple[datetime.date, datetime.date | None]:
    """Return a date and None, or the first and the last of a range."""
    first, separator, last = text.partition("..")
    begin, end = _date(first), _date(last) if separator else None
    if end and not begin <= end < begin + datetime.timedelta(days=MAX_DATES):
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of 1 to {MAX_DATES:,} dates, the first one first")
    return begin, end


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from None
