"""Rows as records of JSON's types, and back.

Apart from `scoring`, so that a client need not import what a model needs.
"""

from typing import Any

import numpy as np
import pandas as pd


def to_records(frame: pd.DataFrame, columns: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows as records of JSON's types, the inverse of `to_frame`; `columns` as contract.yaml has them."""
    plain = {name: _plain(frame[name], column) for name, column in columns.items()}
    return [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]


def to_frame(records: list[dict[str, Any]], columns: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return records of JSON's types as rows with the contract's types, the inverse of `to_records`."""
    return pd.DataFrame({name: values_of([row[name] for row in records], kind_of(columns[name])) for name in columns})


def kind_of(column: dict[str, Any]) -> Any:
    """Return a column's dtype; of a category with its values, if the contract lists them."""
    name = str(column["dtype"])
    if name == "category" and column.get("isin"):
        return pd.CategoricalDtype(pd.Index([str(value) for value in column["isin"]], dtype=object))
    return pd.api.types.pandas_dtype(name)


def values_of(values: list[Any], kind: Any) -> Any:
    """Return the values of a column as an array of its dtype. Raises ValueError or TypeError if they are not of it."""
    if isinstance(kind, pd.CategoricalDtype) and kind.categories is not None:
        codes = {value: code for code, value in enumerate(kind.categories)}
        positions = np.array([codes.get(value, -1) for value in values], dtype=np.int64)
        return pd.Categorical.from_codes(positions, dtype=kind, validate=False)
    if isinstance(kind, np.dtype) and kind.kind in "iufb":
        return np.array(values, dtype=kind)  # None is NaN
    if isinstance(kind, pd.DatetimeTZDtype) or getattr(kind, "kind", "") == "M":
        moments = pd.Series(values, dtype=object)
        return pd.to_datetime(moments, format="ISO8601", utc=isinstance(kind, pd.DatetimeTZDtype)).astype(kind)
    return pd.Series(values, dtype=kind)


def _plain(values: pd.Series, column: dict[str, Any]) -> list[Any]:
    kind = str(column["dtype"])
    if kind.startswith("datetime64"):
        moments = values.astype(pd.api.types.pandas_dtype(kind))
        return [None if pd.isna(moment) else moment.isoformat() for moment in moments]
    plain = values.astype(object).where(values.notna(), None).tolist()
    if kind.lower().startswith(("int", "uint")):  # MLflow's signature has no integers that can be missing
        return [None if value is None else int(value) for value in plain]
    return plain
