"""Checks that contract.yaml may use beside pandera's own: three of whole columns, and those of the user's checks.py."""

import inspect
from collections.abc import Callable
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.extensions import register_check_method

from lifecycle.core.errors import ConfigError

FIGURES: dict[str, Callable[[pd.Series], float]] = {}
"""By check of a whole column: the number that it compares, for the message if it fails."""

COLUMN_CHECKS: set[str] = set()
"""Names of the checks of a whole column, which cannot be applied to a single row."""

USER_CHECKS: set[str] = set()
"""Names of the checks that the user's checks.py defines, of whole columns or of values."""


def column_check(function: Callable[..., bool]) -> Callable[..., bool]:
    """Register a check of a whole column: a function of the column and keyword arguments that returns whether it passes."""
    COLUMN_CHECKS.add(_register(function))
    return function


def value_check(function: Callable[..., pd.Series]) -> Callable[..., pd.Series]:
    """Register a check of single values: a function of the column and keyword arguments that returns a boolean per value."""
    _register(function)
    return function


def _register(function: Callable[..., Any]) -> str:
    parameters = inspect.signature(function).parameters.values()
    arguments = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    name = function.__name__
    if hasattr(pa.Check, name) or name in inspect.signature(pa.Column).parameters:
        raise ConfigError(f"{function.__module__}: {name} is a name of pandera's or of another check: choose another")
    if taken := {*inspect.signature(pa.Check).parameters, "options"} & set(arguments):
        raise ConfigError(
            f"{function.__module__}: {name} has an argument {min(taken)}, which pandera takes itself: rename it"
        )
    register_check_method(statistics=arguments)(function)
    if function.__module__ != __name__:
        USER_CHECKS.add(function.__name__)
    return function.__name__


def _mean(column: pd.Series) -> float:
    return float(column.mean()) if pd.api.types.is_numeric_dtype(column) else float("nan")


def _unique_share(column: pd.Series) -> float:
    return column.nunique() / max(column.count(), 1)


def _null_share(column: pd.Series) -> float:
    return float(column.isna().mean())


@column_check
def mean_between(column: pd.Series, *, min_value: float, max_value: float) -> bool:
    """The mean of the column's values, nulls left out, lies in [min_value, max_value]."""
    return bool(min_value <= _mean(column) <= max_value)


@column_check
def unique_share_between(column: pd.Series, *, min_value: float, max_value: float) -> bool:
    """Distinct values over values, nulls left out, lies in [min_value, max_value]."""
    return bool(min_value <= _unique_share(column) <= max_value)


@column_check
def null_share_at_most(column: pd.Series, *, max_value: float) -> bool:
    """The share of nulls in the column is max_value or less."""
    return bool(_null_share(column) <= max_value)


FIGURES |= {"mean_between": _mean, "unique_share_between": _unique_share, "null_share_at_most": _null_share}
