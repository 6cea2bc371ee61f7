"""Which rows are trained on, which choose between models, and which judge them."""

import numpy as np
import pandas as pd

from lifecycle.core.config import Split
from lifecycle.core.errors import ConfigError, DataError

SIDES = ("train", "validation", "test")


def split(frame: pd.DataFrame, settings: Split, key: str) -> pd.Series:
    """Return for every row the side it falls on: train, validation or test.

    By hash of the id (SipHash of its text, as pandas computes it), or by two dates: either way the side depends on
    the row alone, so that it stays where it is when rows are added.

    Raises:
        ConfigError: the time column is not a date.
        DataError: one side is left without rows.
    """
    if settings.time:
        moments = frame[settings.time.column]
        if not pd.api.types.is_datetime64_any_dtype(moments):
            raise ConfigError(
                f"params.yaml: split.time.column {moments.name} is {moments.dtype}, not a date, in contract.yaml"
            )
        bounds = [pd.Timestamp(settings.time.validation_from), pd.Timestamp(settings.time.test_from)]
        position = np.searchsorted(pd.DatetimeIndex(bounds).to_numpy(), moments.to_numpy(), side="right")
    else:
        hashes = pd.util.hash_array(frame[key].astype("str").to_numpy(dtype=object), categorize=False)
        shares = [1 - settings.validation - settings.test, 1 - settings.test]
        position = np.searchsorted(shares, hashes / 2.0**64, side="right")
    sides = pd.Series(pd.Categorical.from_codes(position, categories=pd.Index(SIDES)), index=frame.index, name="side")
    if empty := [side for side, rows in sides.value_counts().items() if not rows]:
        raise DataError(
            f"params.yaml: the split leaves no rows for {', '.join(map(str, empty))} out of {len(frame):,}; move its bounds"
        )
    return sides


def check_classes(target: pd.Series, sides: pd.Series) -> None:
    """Raise DataError if rows to be judged are of a class that no training row is of."""
    known = set(target[sides == "train"].unique())
    if unknown := sorted(str(name) for name in set(target.unique()) - known):
        raise DataError(
            f"column {target.name}: no row of class {', '.join(unknown[:5])} falls on the training side; "
            "add rows of it, take the class out, or split otherwise (params.yaml: split)"
        )
