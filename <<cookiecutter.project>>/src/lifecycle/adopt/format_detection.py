"""Numbers and dates that are written as text, and in which format; a format must fit every value of a column."""

import re
from typing import Literal

import numpy as np
import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.core.config import NumberFormat
from lifecycle.core.value_formats import dates

SIGNS = "$€£¥%"
MANY = 1000  # values that are tried before all are
SEPARATORS: list[tuple[str, Literal[".", ","]]] = [
    ("", "."),
    (",", "."),
    (".", ","),
    ("", ","),
    (" ", ","),
    (" ", "."),
    ("\u00a0", ","),
    ("'", "."),
]
"""Separator of thousands and decimal point, the first that fits counts: 1,200 is a thousand and two hundred."""

DATES = [
    "%d.%m.%Y", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y", "%d-%b-%y",
    "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y",
]  # fmt: skip
TIMES = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S"]
MOMENT = arrow.timestamp("ns")
DATE_LIKE = r"^\s*(\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4})"


def number_format(texts: arrow.Array) -> NumberFormat | None:
    """Return the format in which all texts are numbers, such as $1,200 or 12%, or None; nulls are passed over."""
    first = texts.slice(0, MANY)
    signs = "".join(sign for sign in SIGNS if _any(pc.match_substring(first, sign)))
    for thousands, decimal in SEPARATORS:
        pattern = _number_pattern(signs, thousands, decimal)
        if _all(texts, pattern):
            used = thousands and _any(pc.match_substring(texts, thousands))
            return NumberFormat(strip=signs, thousands=thousands if used else "", decimal=decimal)
    return None


def date_format(texts: arrow.Array) -> tuple[str, str]:
    """Return the strptime format in which all texts are dates, and another that fits them all as well; empty if there is none."""
    if not _all(texts, DATE_LIKE):
        return "", ""
    for time in TIMES:
        fits = [f"{date}{time}" for date in DATES if _is_date(texts, f"{date}{time}")]
        if len(fits) == 1:
            return fits[0], ""
        if fits:  # such as 01/02/2000: the reading whose dates are spread more evenly
            first, other = sorted(fits[:2], key=lambda form: _largest_gap(texts, form))
            return first, other
    return "", ""


def _number_pattern(signs: str, thousands: str, decimal: str) -> str:
    """Of a number without separators: more digits than an integer has are a code."""
    sign = f"[{re.escape(signs)}]?" if signs else ""
    whole = (
        rf"([1-9]\d{{0,2}}({re.escape(thousands)}\d{{3}})+|0|[1-9]\d{{0,17}})" if thousands else r"(0|[1-9]\d{0,17})"
    )
    return rf"^\s*{sign}\s*[+-]?\s*{sign}\s*{whole}({re.escape(decimal)}\d+)?\s*{sign}\s*$"


def _all(texts: arrow.Array, pattern: str) -> bool:
    for values in (texts.slice(0, MANY), texts):
        if not pc.all(pc.match_substring_regex(values, pattern), min_count=0).as_py():
            return False
    return True


def _any(mask: arrow.Array) -> bool:
    return bool(pc.any(mask, min_count=0).as_py())


def _is_date(texts: arrow.Array, form: str) -> bool:
    return not any(dates(_chunked(values), form, MOMENT)[1].any() for values in (texts.slice(0, MANY), texts))


def _largest_gap(texts: arrow.Array, form: str) -> int:
    """The longest time without a date, in nanoseconds."""
    moments, _ = dates(_chunked(texts), form, MOMENT)
    return int(np.diff(np.unique(moments.drop_null().cast(arrow.int64()).to_numpy())).max(initial=0))


def _chunked(texts: arrow.Array | arrow.ChunkedArray) -> arrow.ChunkedArray:
    return texts if isinstance(texts, arrow.ChunkedArray) else arrow.chunked_array([texts])
