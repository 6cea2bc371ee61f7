"""The id of a row that no column identifies, made from the values of the row.

It is the same whichever file or library the row comes from: 16 hexadecimal digits of a 64-bit hash. Numbers and booleans are
hashed as float64, dates as nanoseconds since 1970, categories and texts as text.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

NULL = 0xD1B54A32D192ED03


def content_keys(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return the id of each row; `-2`, `-3` and so on follow the id of further rows with equal values.

    Args:
        frame: the rows.
        columns: those that the id is made from; a column that the frame does not have counts as null.
    """
    hashes = pd.Series(_hashes(frame, columns), index=frame.index)
    keys = pd.Series(_texts(hashes), index=frame.index, dtype="str")
    if hashes.is_unique:
        return keys
    position = hashes.groupby(hashes).cumcount() + 1
    repeated = position > 1
    keys[repeated] = keys[repeated] + "-" + position[repeated].astype("str")
    return keys


def row_keys(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return the id of each row, the same for rows with equal values: in a table that is scored they have equal scores."""
    return pd.Series(_texts(_hashes(frame, columns)), index=frame.index, dtype="str")


def without_position(keys: pd.Series) -> pd.Series:
    """Return ids without what tells rows with equal values apart."""
    return keys.astype("str").str.partition("-")[0]


def _hashes(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """The hash of each row, shape (rows,), combined from those of its values as Python combines those of a tuple."""
    result = np.full(len(frame), 0x345678, dtype=np.uint64)
    factor = 1_000_003
    with np.errstate(over="ignore"):
        for position, name in enumerate(columns):
            values = _hashes_of(frame[name]) if name in frame else np.full(len(frame), NULL, dtype=np.uint64)
            result = (result ^ values) * np.uint64(factor)
            factor += 82_520 + 2 * (len(columns) - position)
        return np.asarray(result + np.uint64(97_531))


def _hashes_of(values: pd.Series) -> np.ndarray:
    present = values.notna().to_numpy()
    if pd.api.types.is_numeric_dtype(values.dtype):  # booleans, too
        plain = values.to_numpy("float64", na_value=np.nan) + 0.0  # -0.0 is 0.0
    elif pd.api.types.is_datetime64_any_dtype(values.dtype):
        plain = values.dt.as_unit("ns").astype("int64").to_numpy()
    elif isinstance(values.dtype, pd.CategoricalDtype):
        categories = pd.Series(values.cat.categories).map(str).to_numpy(dtype=object)
        of_categories = np.append(pd.util.hash_array(categories, categorize=False), np.uint64(NULL))
        return np.asarray(of_categories[values.cat.codes.to_numpy()])
    else:
        plain = values.where(values.notna(), "").astype("str").to_numpy(dtype=object)
    return np.where(present, pd.util.hash_array(plain), np.uint64(NULL))


def _texts(hashes: np.ndarray | pd.Series) -> list[str]:
    digits = np.asarray(hashes, dtype=">u8").tobytes().hex()
    return [digits[start : start + 16] for start in range(0, len(digits), 16)]
