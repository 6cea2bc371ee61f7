"""Features from the rows before a row, for `build_history` in features.py.

    from lifecycle.core.entity_history import lag, rolling

    def build_history(frame: pd.DataFrame) -> pd.DataFrame:
        spent = rolling(frame, by="account", at="bought", value="amount", window="30D", how="sum")
        last = lag(frame, by="account", at="bought", value="amount")
        return pd.DataFrame({"history_spent": spent, "history_last_amount": last})

Both look only at rows whose moment is earlier than the row's own: not at later ones, and not at others of the same moment.
"""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from lifecycle.core import user_code
from lifecycle.core.config import Params

PREFIX = "history_"  # of the names of these features


def rolling(
    frame: pd.DataFrame, *, by: str | list[str], at: str, value: str, window: str, how: str = "mean"
) -> pd.Series:
    """Return for each row an aggregate over the earlier rows of its entity; missing where there are none.

    Args:
        frame: rows in any order.
        by: the column, or columns, that name the entity.
        at: the column of the row's moment, a date.
        value: the column to aggregate, a number.
        window: how far back rows count, such as `30D`.
        how: `mean`, `sum`, `min`, `max`, `std`, `median` or `count`.
    """
    rows = _by_entity(frame, by, at, value)
    windows = rows.groupby("entity").rolling(window, on="moment", closed="left")
    return _as_in(frame, pd.Series(windows["value"].agg(how).to_numpy(), index=rows.index))


def lag(frame: pd.DataFrame, *, by: str | list[str], at: str, value: str, rows: int = 1) -> pd.Series:
    """Return for each row the value in the last of the earlier rows of its entity; missing where there is none.

    Args:
        frame: rows in any order.
        by: the column, or columns, that name the entity.
        at: the column of the row's moment, a date.
        value: the column to take.
        rows: 2 takes the value of the last row but one, and so on.
    """
    ordered = _by_entity(frame, by, at, value)
    groups = ordered.groupby("entity")
    earlier = groups["moment"].rank(method="min").astype("int64") - 1
    places = pd.MultiIndex.from_arrays([ordered["entity"], groups.cumcount()])
    values = ordered["value"].set_axis(places).reindex(pd.MultiIndex.from_arrays([ordered["entity"], earlier - rows]))
    return _as_in(frame, values.set_axis(ordered.index))


def build_history_of(package: str) -> Any:
    """Return the function `build_history` of the user's features.py, or None."""
    return getattr(user_code.load(package, "features"), "build_history", None)


def model_inputs(contract_columns: Iterable[Any], frame: pd.DataFrame, params: Params) -> list[str]:
    """Return the columns that a model takes, of those in a frame: raw ones, then those that `build_history` has made."""
    raw = params.data.inputs(contract_columns)
    from_history = [name for name in map(str, frame) if name.startswith(PREFIX) and name not in raw]
    return [name for name in raw if name in frame] + (from_history if build_history_of(params.package) else [])


def _by_entity(frame: pd.DataFrame, by: str | list[str], at: str, value: str) -> pd.DataFrame:
    """The `entity`, `moment` and `value` of the rows that have an entity and a moment, in this order; the index is their position."""
    numbered = frame.set_axis(pd.RangeIndex(len(frame)))
    numbered = numbered.dropna(subset=[*([by] if isinstance(by, str) else by), at])
    entity = numbered.groupby(by, sort=False, observed=True).ngroup()
    rows = pd.DataFrame({"entity": entity, "moment": numbered[at], "value": numbered[value]})
    return rows.sort_values(["entity", "moment"], kind="stable")


def _as_in(frame: pd.DataFrame, values: pd.Series) -> pd.Series:
    """Values by position, in the order of a frame and with its index; missing where a row has none."""
    return values.reindex(pd.RangeIndex(len(frame))).set_axis(frame.index)
