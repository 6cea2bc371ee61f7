"""Whether two tables hold the same values, numbers within a tolerance."""

import numpy as np
import pandas as pd


def table_difference(committed: pd.DataFrame, recomputed: pd.DataFrame, tolerance: float) -> str:
    """Return the first difference in words, or nothing.

    Args:
        committed: the table that was committed.
        recomputed: the one that it should be.
        tolerance: how far a number may be off, in units of the standard deviation of its recomputed column.
    """
    if len(committed) != len(recomputed):
        return f"{len(committed):,} rows instead of {len(recomputed):,}"
    if list(committed) != list(recomputed):
        return "other columns"
    for name in recomputed:
        differing = _differing(committed[name], recomputed[name], tolerance)
        if differing.any():
            place = int(differing.argmax())
            first = f"{committed[name].iloc[place]!s} instead of {recomputed[name].iloc[place]!s}"
            return f"column {name} differs in {int(differing.sum()):,} rows, such as {first}"
    return ""


def _differing(committed: pd.Series, recomputed: pd.Series, tolerance: float) -> np.ndarray:
    """Which values differ; those that are missing on both sides do not."""
    if pd.api.types.is_float_dtype(recomputed.dtype) and pd.api.types.is_float_dtype(committed.dtype):
        old, new = committed.to_numpy("float64", na_value=np.nan), recomputed.to_numpy("float64", na_value=np.nan)
        finite = new[np.isfinite(new)]
        allowed = tolerance * float(finite.std()) if finite.size else 0.0
        equal: np.ndarray = (np.abs(old - new) <= allowed) | (old == new) | (np.isnan(old) & np.isnan(new))
        return ~equal
    if committed.dtype != recomputed.dtype:
        return np.ones(len(recomputed), dtype=bool)
    same = (committed == recomputed) | (committed.isna() & recomputed.isna())
    differing: np.ndarray = ~same.to_numpy(dtype=bool)
    return differing
