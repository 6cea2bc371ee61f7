"""Which rows a model is trained on, which are for choosing between models, and which are for testing."""

import numpy as np
import pandas as pd

from lifecycle.core.config import PARAMS, Data, Split
from lifecycle.core.content_key import without_position
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.time_settings import TimeSplit

SIDES = ("train", "validation", "test")


def split(frame: pd.DataFrame, settings: Split, data: Data) -> pd.Series:
    """Return the side of every row: train, validation, test, or null in the gap before a date.

    It is decided by the hash of the id or of the group (SipHash of its text, as pandas computes it), or by two dates. Either
    way it depends on the row alone, and does not change when rows are added.

    Raises:
        ConfigError: the time column is not a date, or the dates do not suit it.
        DataError: a side has no rows, or a row has no date.
    """
    position = _by_time(frame, settings.time) if settings.time else _by_hash(frame, settings, data)
    sides = pd.Series(pd.Categorical.from_codes(position, categories=pd.Index(SIDES)), index=frame.index, name="side")
    if empty := [side for side, rows in sides.value_counts().items() if not rows]:
        raise DataError(
            f"{PARAMS}: the split leaves no rows for {', '.join(map(str, empty))} out of {len(frame):,}; change its shares or dates"
        )
    return sides


def check_classes(target: pd.Series, sides: pd.Series) -> None:
    """Raise DataError if a class of another side has no training rows."""
    trained = set(target[sides == "train"].unique())
    if untrained := sorted(str(name) for name in set(target[sides.notna()].unique()) - trained):
        raise DataError(
            f"column {target.name}: class {', '.join(untrained[:5])} has no rows on the training side; "
            f"add rows of it, remove the class, or change the split ({PARAMS}: split)"
        )


def _by_hash(frame: pd.DataFrame, settings: Split, data: Data) -> np.ndarray:
    keys = frame[settings.group or data.id].astype("str")
    if data.id_from and not settings.group:
        keys = without_position(keys)  # equal rows stay on one side
    key = {"hash_key": f"{settings.salt:016d}"} if settings.salt else {}
    hashes = pd.util.hash_array(keys.to_numpy(dtype=object), categorize=False, **key)
    shares = [1 - settings.validation - settings.test, 1 - settings.test]
    return np.searchsorted(shares, hashes / 2.0**64, side="right")


def _by_time(frame: pd.DataFrame, settings: TimeSplit) -> np.ndarray:
    """The number of the side of each row, shape (rows,); -1 in a gap."""
    moments = frame[settings.column]
    if not pd.api.types.is_datetime64_any_dtype(moments):
        raise ConfigError(
            f"{PARAMS}: split.time.column {moments.name} is {moments.dtype}, not a date, in contract.yaml"
        )
    if nulls := int(moments.isna().sum()):
        raise DataError(
            f"column {moments.name}: {nulls:,} rows have no date, by which split.time of {PARAMS} splits them"
        )
    bounds = pd.DatetimeIndex([_bound(date, moments) for date in (settings.validation_from, settings.test_from)])
    position = bounds.searchsorted(moments, side="right")
    gap = pd.Timedelta(days=settings.gap_days)
    in_gap = np.any([moments.between(bound - gap, bound, inclusive="left") for bound in bounds], axis=0)
    return np.where(in_gap, -1, position)


def _bound(date: str, moments: pd.Series) -> pd.Timestamp:
    """A date of the settings; without a time zone it is in that of the column."""
    try:
        bound, zone = pd.Timestamp(date), moments.dt.tz
        if bound.tz is not None and zone is None:
            raise ValueError(f"it has a time zone, and column {moments.name} has none")
        return bound.tz_localize(zone) if bound.tz is None else bound.tz_convert(zone)
    except ValueError as error:
        raise ConfigError(f"{PARAMS}: split.time: {date} is not a date of column {moments.name}: {error}") from None
