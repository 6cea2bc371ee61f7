"""Dates and numbers that are written as text, in the formats of data.formats."""

import re

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.core import config
from lifecycle.core.arrow_types import examples, type_name, unfit
from lifecycle.core.config import NumberFormat
from lifecycle.core.errors import ConfigError, DataError


def parse(name: str, texts: arrow.ChunkedArray, form: str | NumberFormat, kind: arrow.DataType) -> arrow.ChunkedArray:
    """Return texts in a format as dates or numbers, nulls as nulls.

    Args:
        name: of the column.
        texts: its values.
        form: of its dates, as strptime has it, or of its numbers.
        kind: the type that the contract says, a timestamp or a number.

    Raises:
        ConfigError: the format does not suit the type.
        DataError: a text does not have the format, named with the column and the first rows.
    """
    check_format(name, form, kind)
    values, wrong = dates(texts, form, kind) if isinstance(form, str) else numbers(texts, form, kind)
    if wrong.any():
        written = form if isinstance(form, str) else ", ".join(f"{key} {value!r}" for key, value in form if value)
        raise DataError(
            f"column {name}: {examples(wrong, texts)} not {type_name(kind)} as {config.PARAMS} says (data.formats: {written})"
        )
    return values


def check_format(name: str, form: str | NumberFormat, kind: arrow.DataType) -> None:
    """Raise ConfigError if no value in a format is of a type."""
    if arrow.types.is_timestamp(kind):
        fits = isinstance(form, str) and ("%z" in form) == (kind.tz is not None)
    else:
        fits = not isinstance(form, str) and (arrow.types.is_floating(kind) or arrow.types.is_integer(kind))
    if fits:
        return
    raise ConfigError(
        f"{config.PARAMS}: data.formats: {name} is {type_name(kind)} in {config.CONTRACT}: a date has a format such as "
        "%d.%m.%Y (with %z if it has a time zone), a number has strip, thousands and decimal, and no other column has one"
    )


def dates(texts: arrow.ChunkedArray, form: str, kind: arrow.DataType) -> tuple[arrow.ChunkedArray, np.ndarray]:
    """Return texts as timestamps of a type, null where one is not a date in the format; and which are not, shape (rows,).

    pandas parses them, because Arrow takes 31.02.2025 for the 3rd of March.
    """
    encoded = texts.cast(arrow.string()).dictionary_encode().unify_dictionaries()
    distinct = encoded.chunk(0).dictionary.to_pandas() if encoded.num_chunks else pd.Series(dtype=object)
    moments = pd.to_datetime(distinct.str.strip(), format=form, errors="coerce", utc=kind.tz is not None)
    earliest, latest = (moment.tz_localize(moments.dt.tz) for moment in (pd.Timestamp.min, pd.Timestamp.max))
    moments = moments.where(moments.between(earliest, latest)).dt.as_unit("ns")
    parsed = arrow.array(moments, kind, from_pandas=True)
    values = arrow.chunked_array([parsed.take(chunk.indices) for chunk in encoded.chunks], kind)
    return values, _newly_null(values, texts)


def numbers(
    texts: arrow.ChunkedArray, form: NumberFormat, kind: arrow.DataType
) -> tuple[arrow.ChunkedArray, np.ndarray]:
    """Return texts as numbers of a type, null where one is not a number in the format; and which are not, shape (rows,)."""
    plain = texts.cast(arrow.string())
    if form.strip:
        plain = pc.replace_substring_regex(plain, f"[{_escaped(form.strip)}]", "")
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(plain), r"^([+-])\s+", r"\1")
    plain = pc.if_else(pc.match_substring_regex(plain, _pattern(form, kind)), plain, arrow.scalar(None, arrow.string()))
    if form.thousands:
        plain = pc.replace_substring(plain, form.thousands, "")
    plain = pc.replace_substring_regex(pc.replace_substring(plain, form.decimal, "."), r"^\+", "")
    if arrow.types.is_integer(kind):
        plain = pc.replace_substring_regex(plain, r"\.0+$", "")
    try:
        values = plain.cast(kind)
    except arrow.ArrowInvalid:  # an integer outside of the type's range
        plain = pc.if_else(arrow.array(~unfit(plain, kind)), plain, arrow.scalar(None, arrow.string()))
        values = plain.cast(kind)
    return values, _newly_null(values, texts)


def _pattern(form: NumberFormat, kind: arrow.DataType) -> str:
    """Thousands are groups of three digits: where `,` separates them, 1,5 is a mistake and not fifteen."""
    whole = rf"\d{{1,3}}({_escaped(form.thousands)}\d{{3}})+|\d+" if form.thousands else r"\d+"
    point = _escaped(form.decimal)
    if arrow.types.is_integer(kind):
        return rf"^[+-]?({whole})({point}0+)?$"
    return rf"^[+-]?(({whole})({point}\d*)?|{point}\d+)([eE][+-]?\d+)?$"


def _escaped(characters: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", characters) if characters.isascii() else re.escape(characters)


def _newly_null(values: arrow.ChunkedArray, texts: arrow.ChunkedArray) -> np.ndarray:
    return np.asarray(values.is_null().to_numpy() & texts.is_valid().to_numpy())
