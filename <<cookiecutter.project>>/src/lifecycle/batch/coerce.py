"""Columns converted to the contract's types value by value: values that do not fit are marked, not raised."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.core.arrow_types import NO_NULLS

WHOLE_NUMBER = r"^\s*([+-]?\d+)\.0+\s*$"  # as a text: an integer, as /predict takes it


def coerce(column: pd.Series, dtype: Any) -> tuple[pd.Series, np.ndarray]:
    """Return a column with the contract's dtype, and which of its values, nulls aside, do not fit it.

    Args:
        column: values of whatever dtype a file, a table or Spark gave them.
        dtype: the dtype; that of a category with its values, if the contract lists them.

    Returns:
        The column, in which values that do not fit are null (0 or False where the dtype has no null), and a mask, shape (rows,).
    """
    if isinstance(dtype, pd.CategoricalDtype) and dtype.categories is not None:
        values, invalid = _to_category(column, dtype)
    elif isinstance(dtype, pd.CategoricalDtype) or getattr(dtype, "kind", "O") == "O":
        texts = _to_arrow(column).cast(arrow.string())
        values = pd.Series(texts.to_pandas(), dtype="object").astype(dtype)
        invalid = np.zeros(len(column), dtype=bool)
    else:
        values, invalid = _to_number(column, dtype)
    values.index, values.name = column.index, column.name
    return values, invalid


def _to_category(column: pd.Series, dtype: pd.CategoricalDtype) -> tuple[pd.Series, np.ndarray]:
    """Look up each distinct value once, not each row's."""
    known = {str(value): code for code, value in enumerate(dtype.categories)}

    def text(value: Any) -> str:  # 1.0 is the category "1"
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

    if isinstance(column.dtype, pd.CategoricalDtype):
        distinct, codes = column.cat.categories, column.cat.codes.to_numpy()
    else:
        encoded = _to_arrow(column).dictionary_encode()
        distinct = encoded.dictionary.to_pylist()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    lookup = np.array([*(known.get(text(value), -1) for value in distinct), -1], dtype=np.int64)  # a null's code is -1
    mapped = lookup[codes]
    values = pd.Categorical.from_codes(mapped, dtype=dtype, validate=False)
    return pd.Series(values), (mapped < 0) & (codes >= 0)


def _to_number(column: pd.Series, dtype: Any) -> tuple[pd.Series, np.ndarray]:
    """Convert numbers, booleans and times: all at once if every value fits, else one by one."""
    if isinstance(column.dtype, np.dtype) and column.dtype == dtype:
        return _without_infinity(column.copy(deep=False), dtype)
    raw = _to_arrow(column)
    numpy_dtype = dtype.numpy_dtype if hasattr(dtype, "numpy_dtype") else dtype  # Int64's is int64
    is_time = dtype.kind == "M"
    target = arrow.timestamp("ns", getattr(dtype, "tz", None)) if is_time else arrow.from_numpy_dtype(numpy_dtype)
    try:
        cast = raw.cast(target)
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError):
        if arrow.types.is_integer(target) and (
            arrow.types.is_string(raw.type) or arrow.types.is_large_string(raw.type)
        ):
            raw = pc.replace_substring_regex(raw, WHOLE_NUMBER, r"\1")
        cast = arrow.array([_cast_or_none(value, target) for value in raw], type=target)
    invalid = pc.and_(cast.is_null(), raw.is_valid()).to_numpy(zero_copy_only=False)
    if str(dtype) in NO_NULLS:
        cast = cast.fill_null(False if dtype.kind == "b" else 0)
    if hasattr(dtype, "numpy_dtype"):  # not by way of float64, which cannot represent every int64
        values = cast.to_pandas(types_mapper=lambda _: dtype)
    else:
        values = cast.to_pandas().astype(dtype)
    values, infinite = _without_infinity(values, dtype)
    not_a_number = (values.isna() & column.notna().to_numpy()).to_numpy(dtype=bool)  # such as the text NAN
    return values, invalid | infinite | not_a_number


def _to_arrow(column: pd.Series) -> arrow.Array:
    """Return a column as one array; values of several types become texts."""
    try:
        values = arrow.array(column, from_pandas=True)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError):
        values = arrow.array([None if pd.isna(value) else str(value) for value in column], type=arrow.string())
    return values.combine_chunks() if isinstance(values, arrow.ChunkedArray) else values


def _cast_or_none(value: arrow.Scalar, target: arrow.DataType) -> Any:
    try:
        return value.cast(target).as_py()
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError):
        return None


def _without_infinity(values: pd.Series, dtype: Any) -> tuple[pd.Series, np.ndarray]:
    """Set infinite values to null, for a model cannot score them; also return which those were."""
    if dtype.kind != "f":
        return values, np.zeros(len(values), dtype=bool)
    infinite = np.isinf(values.to_numpy(dtype="float64", na_value=np.nan))
    return (values.mask(infinite) if infinite.any() else values), infinite
