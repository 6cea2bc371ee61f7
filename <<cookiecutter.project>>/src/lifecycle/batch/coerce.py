"""Columns as the contract types them, value by value: what does not fit is told, not raised."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.compute as pc
import pyarrow.csv

NO_NULLS = ("int", "uint", "bool")  # how numpy's types begin that hold no null
NULLS = arrow.array(pyarrow.csv.ConvertOptions().null_values)  # in a file of text, as the pipeline reads it


def typed(column: pd.Series, kind: Any) -> tuple[pd.Series, np.ndarray]:
    """Return a column with the contract's dtype, and which of its values, nulls aside, do not fit.

    Args:
        column: values of whatever dtype a file, a table or Spark gave them.
        kind: the dtype; of a category with its values, if the contract lists them.

    Returns:
        The column, where what does not fit is null (0 or False where the dtype has no null), and a mask, shape (rows,).
    """
    if isinstance(kind, pd.CategoricalDtype) and kind.categories is not None:
        values, wrong = _category(column, kind)
    elif isinstance(kind, pd.CategoricalDtype) or getattr(kind, "kind", "O") == "O":
        texts = _array(column).cast(arrow.string())
        values = pd.Series(texts.to_pandas(), dtype="object").astype(kind)
        wrong = np.zeros(len(column), dtype=bool)
    else:
        values, wrong = _number(column, kind)
    values.index, values.name = column.index, column.name
    return values, wrong


def _category(column: pd.Series, kind: pd.CategoricalDtype) -> tuple[pd.Series, np.ndarray]:
    """Look each distinct value up once, not each row's."""
    known = {str(value): code for code, value in enumerate(kind.categories)}

    def plain(value: Any) -> str:  # a whole number as one
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

    if isinstance(column.dtype, pd.CategoricalDtype):
        found, codes = column.cat.categories, column.cat.codes.to_numpy()
    else:
        coded = _array(column).dictionary_encode()
        found = coded.dictionary.to_pylist()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    table = np.array([*(known.get(plain(value), -1) for value in found), -1], dtype=np.int64)  # a null's code is -1
    mapped = table[codes]
    values = pd.Categorical.from_codes(mapped, dtype=kind, validate=False)
    return pd.Series(values), (mapped < 0) & (codes >= 0)


def _number(column: pd.Series, kind: Any) -> tuple[pd.Series, np.ndarray]:
    """Numbers, truth values and times: all at once if they fit, else one by one."""
    if isinstance(column.dtype, np.dtype) and column.dtype == kind:
        return _finite(column.copy(deep=False), kind)
    values = _array(column)
    plain = kind.numpy_dtype if hasattr(kind, "numpy_dtype") else kind  # Int64's is int64
    target = arrow.timestamp("ns", getattr(kind, "tz", None)) if kind.kind == "M" else arrow.from_numpy_dtype(plain)
    try:
        cast = values.cast(target)
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError):
        cast = arrow.array([_one(value, target) for value in values], type=target)
    wrong = pc.and_(cast.is_null(), values.is_valid()).to_numpy(zero_copy_only=False)
    if str(kind).startswith(NO_NULLS):
        cast = cast.fill_null(False if kind.kind == "b" else 0)
    if hasattr(kind, "numpy_dtype"):  # not by way of float64, which has no room for all of int64
        found = cast.to_pandas(types_mapper=lambda _: kind)
    else:
        found = cast.to_pandas().astype(kind)
    found, odd = _finite(found, kind)
    return found, wrong | odd | (found.isna() & column.notna().to_numpy()).to_numpy(
        dtype=bool
    )  # the text NAN is no number


def _array(column: pd.Series) -> arrow.Array:
    """A column in one piece; of several types at once, as texts."""
    try:
        found = arrow.array(column, from_pandas=True)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError):
        found = arrow.array([None if pd.isna(value) else str(value) for value in column], type=arrow.string())
    return found.combine_chunks() if isinstance(found, arrow.ChunkedArray) else found


def _one(value: arrow.Scalar, target: arrow.DataType) -> Any:
    try:
        return value.cast(target).as_py()
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError):
        return None


def _finite(values: pd.Series, kind: Any) -> tuple[pd.Series, np.ndarray]:
    """Infinity is no number that a model can be asked about."""
    if kind.kind != "f":
        return values, np.zeros(len(values), dtype=bool)
    infinite = np.isinf(values.to_numpy(dtype="float64", na_value=np.nan))
    return (values.mask(infinite) if infinite.any() else values), infinite
