"""Values as the raw file has them: what is read back must be the same value."""

from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle.core.config import Data, NumberFormat
from lifecycle.core.csv_format import null_spellings
from lifecycle.core.raw_table import PARQUET


def is_parquet(raw: Path) -> bool:
    """Return whether a raw file, or a folder of them, is Parquet."""
    return raw.is_dir() or raw.suffix in PARQUET


def written(name: str, value: Any, data: Data) -> str:
    """Return a value as text, in the file's decimal point and the column's format; of a missing one, a spelling of null.

    Args:
        name: of the column.
        value: as JSON has it; a date as ISO 8601 writes it.
        data: how the file is written.
    """
    if value is None:
        spellings = null_spellings(data.csv)
        return "" if "" in spellings else spellings[0]
    form = data.formats.get(name)
    if isinstance(form, str):
        return pd.Timestamp(value).strftime(form)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        decimal = form.decimal if isinstance(form, NumberFormat) else data.csv.decimal
        return repr(value).replace(".", decimal)
    return str(value)


def unwritable(name: str, value: Any, data: Data) -> str:
    """Return why a value would not be read back from the file as it is, or an empty text."""
    form = data.formats.get(name)
    if isinstance(form, str) and value is not None:
        text, moment = written(name, value, data), pd.Timestamp(value)
        if pd.to_datetime(text, format=form, errors="coerce", utc=moment.tz is not None) != moment:
            return f"{value} cannot be written as {form} (data.formats)"
    if not isinstance(value, str) or is_parquet(data.raw):
        return ""
    if value in null_spellings(data.csv):
        return f"{value!r} reads as missing in a CSV file"
    try:
        value.encode(data.csv.encoding)
    except UnicodeEncodeError:
        return f"{value!r} cannot be written in {data.csv.encoding}, the encoding of the file"
    return ""
