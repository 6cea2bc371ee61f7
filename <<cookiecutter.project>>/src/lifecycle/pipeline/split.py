"""Which rows a model is trained on, which are for choosing between models, and which are for testing."""

import numpy as np
import pandas as pd

from lifecycle.core.config import Split
from lifecycle.core.errors import ConfigError, DataError

SIDES = ("train", "validation", "test")


def split(frame: pd.DataFrame, settings: Split, key: str) -> pd.Series:
    """Return the side of every row: train, validation or test.

    It is decided by the hash of the id (SipHash of its text, as pandas computes it), or by two dates. Either way it depends
    on the row alone, and does not change when rows are added.

    Raises:
        ConfigError: the time column is not a date.
        DataError: a side has no rows.
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
            f"params.yaml: the split leaves no rows for {', '.join(map(str, empty))} out of {len(frame):,}; change its shares or dates"
        )
    return sides


def check_classes(target: pd.Series, sides: pd.Series) -> None:
    """Raise DataError if a class has no training rows."""
    trained = set(target[sides == "train"].unique())
    if untrained := sorted(str(name) for name in set(target.unique()) - trained):
        raise DataError(
            f"column {target.name}: class {', '.join(untrained[:5])} has no rows on the training side; "
            "add rows of it, remove the class, or change the split (params.yaml: split)"
        )
