"""Conditions on columns, such as `plan=basic` or `9 < age <= 29`, which describe groups of rows."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.core.tables import figure

COLUMNS = 200  # the first so many
CONDITIONS = 120  # at most: those that most rows meet
FEW_VALUES, BINS = 6, 4  # a number with more values than that is divided at its quartiles


@dataclass(frozen=True)
class Condition:
    """One condition on a column."""

    column: str
    text: str
    """As a person would write it."""
    holds: Callable[[pd.DataFrame], np.ndarray]
    """Rows in, shape (rows,) of booleans out."""


def conditions(frame: pd.DataFrame, columns: list[str], fewest: int) -> tuple[list[Condition], np.ndarray]:
    """Return the conditions that some rows meet and others do not, and which rows do: shape (conditions, rows).

    Args:
        frame: rows.
        columns: the columns to make conditions of; there are none of dates.
        fewest: how many rows must meet a condition, and how many must not.
    """
    every_one = [condition for name in columns[:COLUMNS] for condition in _of_column(frame, name)]
    held = np.array([condition.holds(frame) for condition in every_one], dtype=bool).reshape(-1, len(frame))
    rows = held.sum(axis=1)
    by_rows = np.argsort(-rows, kind="stable")
    usable = [i for i in by_rows if fewest <= rows[i] <= len(frame) - fewest][:CONDITIONS]
    return [every_one[i] for i in usable], held[usable]


def _of_column(frame: pd.DataFrame, name: str) -> list[Condition]:
    """A condition for each value of a column, or each bin of a number, and one for missing values."""
    values = frame[name]
    if pd.api.types.is_datetime64_any_dtype(values):
        return []
    missing = Condition(name, f"{name} is missing", lambda rows: rows[name].isna().to_numpy(dtype=bool))
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric and values.nunique() > FEW_VALUES:
        edges = np.unique([float(f"{edge:.4g}") for edge in values.quantile(np.arange(1, BINS) / BINS)])
        return [*(_between(name, low, high) for low, high in pairwise([-np.inf, *edges, np.inf])), missing]
    frequent = values.value_counts().loc[lambda counts: counts > 0].index[:CONDITIONS]
    return [*(_equal(name, value) for value in sorted(frequent, key=str)), missing]


def _equal(name: str, value: Any) -> Condition:
    return Condition(name, f"{name}={value}", lambda rows: (rows[name] == value).fillna(False).to_numpy(dtype=bool))


def _between(name: str, low: float, high: float) -> Condition:
    text = f"{figure(low)} < {name} <= {figure(high)}"
    text = f"{name} <= {figure(high)}" if low == -np.inf else f"{name} > {figure(low)}" if high == np.inf else text

    def holds(rows: pd.DataFrame) -> np.ndarray:
        values = rows[name].to_numpy(dtype=float, na_value=np.nan)
        return (values > low) & (values <= high)

    return Condition(name, text, holds)
