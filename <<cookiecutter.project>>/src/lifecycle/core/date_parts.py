"""Dates as numbers."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

DAY = pd.Timedelta(days=1)


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Each date as its age in days, its month, its weekday (0 is Monday) and, if dates have a time of day, its hour.

    The age is counted back from another date column of the same row, or else from the latest date of the training rows: it does
    not depend on the moment of the call. Months, weekdays and hours are those of the column's time zone. All are NaN where a date
    is missing.
    """

    def __init__(self, since: str | None = None) -> None:
        """`since`: the date column from which ages are counted; its own age is counted from the latest training date."""
        self.since = since

    def fit(self, dates: pd.DataFrame, target: Any = None) -> "DateParts":
        """Learn the latest date, and which columns have a time of day. `dates` has columns of dates alone."""
        self.columns_ = [str(name) for name in dates]
        self.latest_ = float(np.nanmax([_days(dates[name]).max() for name in dates]))
        self.with_hour_ = [str(name) for name in dates if (_clock(dates[name]).hour > 0).any()]
        return self

    def transform(self, dates: pd.DataFrame) -> np.ndarray:
        """Return an array of float64, shape (rows, 3 or 4 per column, in the order of the columns)."""
        columns = []
        for name in dates:
            days, clock = _days(dates[name]), _clock(dates[name])
            since = self.latest_ if self.since in (None, name) else _days(dates[self.since])
            columns += [since - days, clock.month, clock.dayofweek]
            columns += [clock.hour] if name in self.with_hour_ else []
        return np.column_stack([np.asarray(numbers, dtype=np.float64) for numbers in columns])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of the array, such as `ordered month`."""
        names = {name: ["age", "month", "weekday"] + ["hour"] * (name in self.with_hour_) for name in self.columns_}
        return np.array([f"{name} {part}" for name in self.columns_ for part in names[name]], dtype=object)


def _days(dates: pd.Series) -> np.ndarray:
    """Days since 1970, with fractions; NaN where a date is missing."""
    moments = _clock(dates)
    return np.asarray((moments - pd.Timestamp(0, tz=moments.tz)) / DAY, dtype=np.float64)


def _clock(dates: pd.Series) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(dates)
