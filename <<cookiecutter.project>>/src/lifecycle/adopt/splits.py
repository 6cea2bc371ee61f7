"""How rows are divided into training, validation and test: by a hash, in groups, or by time."""

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.adopt.columns import Column
from lifecycle.core.config import Params, Split
from lifecycle.core.errors import ConfigError, DataError, did_you_mean
from lifecycle.core.time_settings import TimeSplit
from lifecycle.pipeline.split import SIDES, split

VALIDATION, TEST = 0.15, 0.2
MIN_DAYS = 30  # different ones of a history
DAY = 86_400  # seconds
SALTS = 200  # that are tried
MANY_ROWS = 200_000  # that a hash divides as it should without trying
MIN_OF_CLASS = 2  # rows of each class on every side


def time_split(
    columns: dict[str, Column], labelled: arrow.ChunkedArray, wanted: str | None, gap_days: int
) -> tuple[TimeSplit | None, str]:
    """Return the dates of a split by time, and why; None if the table is not a history.

    Args:
        columns: of the table, by name.
        labelled: which rows have a target; shape (rows,), booleans.
        wanted: the column that the user names, if any.
        gap_days: before each date.

    Raises ConfigError if the named column does not exist, is no date, or has nulls; DataError if it has too few dates.
    """
    if wanted is not None:
        if wanted not in columns:
            raise ConfigError(f"--time {wanted}: is not a column{did_you_mean(wanted, columns)}")
        if columns[wanted].kind != "date":
            raise ConfigError(f"--time {wanted}: is a column of kind {columns[wanted].kind}, not of dates")
        if columns[wanted].nulls:
            raise ConfigError(f"--time {wanted}: {columns[wanted].nulls:,} of its dates are missing")
        return _dates(columns[wanted], labelled, gap_days), "as --time says"
    for name, column in columns.items():
        if _is_history(column):
            return _dates(column, labelled, gap_days), f"the rows are in the order of {name}: a history"
    return None, "by a hash of the id: a row keeps its side when rows are added"


def _is_history(column: Column) -> bool:
    """Whether the rows are in the order of the column's days."""
    if column.kind != "date" or column.nulls:
        return False
    steps = np.diff(_seconds(column.values) // DAY)
    return int(np.count_nonzero(steps)) >= MIN_DAYS and bool((steps >= 0).all() or (steps <= 0).all())


def _dates(column: Column, labelled: arrow.ChunkedArray, gap_days: int) -> TimeSplit:
    moments = column.values.filter(labelled)
    seconds = _seconds(moments)
    # The middle one of equal values would cut through them: a side begins with the first moment of a day.
    starts = [
        int(np.quantile(seconds, share, method="lower")) // DAY * DAY for share in (1 - VALIDATION - TEST, 1 - TEST)
    ]
    if starts[0] >= starts[1] or starts[0] <= seconds.min():
        starts = [int(np.quantile(seconds, share, method="lower")) for share in (1 - VALIDATION - TEST, 1 - TEST)]
    if not seconds.min() < starts[0] < starts[1] <= seconds.max():
        raise DataError(
            f"column {column.name}: too few different dates ({pc.count_distinct(moments).as_py()}) to train, validate and test on later rows"
        )
    texts = [pd.Timestamp(start, unit="s").isoformat().removesuffix("T00:00:00") for start in starts]
    return TimeSplit(column=column.name, validation_from=texts[0], test_from=texts[1], gap_days=gap_days)


def _seconds(moments: arrow.ChunkedArray) -> np.ndarray:
    kind = arrow.timestamp("s", getattr(moments.type, "tz", None))
    seconds: np.ndarray = moments.cast(kind, safe=False).cast(arrow.int64()).to_numpy()
    return seconds


def needs_salt(params: Params, rows: int) -> bool:
    """Return whether a salt has to be tried: with many rows, or by time, the split is as it should be."""
    return params.split.time is None and rows <= MANY_ROWS


def choose_salt(dataset: pd.DataFrame, params: Params) -> int:
    """Return the first salt with which every class has rows on every side, and every side about the share that it should have.

    Args:
        dataset: id, target, and the column of the groups, if any, of all rows.
        params: the task, the names of these columns, and the split.

    Raises DataError if there is none among the first few hundred.
    """
    target = dataset[params.data.target]
    shares = {
        "train": 1 - params.split.validation - params.split.test,
        "validation": params.split.validation,
        "test": params.split.test,
    }
    for tolerance in (0.1, 0.25, 0.5, 1.0):
        for salt in range(SALTS):
            settings = params.split.model_copy(update={"salt": salt})
            if _is_even(dataset, target, settings, shares, tolerance, params):
                return salt
    rarest = target.value_counts().index[-1]
    raise DataError(
        f"column {target.name}: class {rarest} has {(target == rarest).sum()} rows, too few for {MIN_OF_CLASS} on each side of the split: "
        "add rows of it, or take it out of the table"
    )


def _is_even(
    dataset: pd.DataFrame,
    target: pd.Series,
    settings: Split,
    shares: dict[str, float],
    tolerance: float,
    params: Params,
) -> bool:
    try:
        sides = split(dataset, settings, params.data)
    except DataError:  # a side without rows
        return False
    counts = sides.value_counts()
    if any(abs(counts[side] / len(dataset) - shares[side]) > tolerance * shares[side] for side in SIDES):
        return False
    if params.task == "regression":
        return True
    of_classes = pd.crosstab(target, sides)
    return of_classes.shape[1] == len(SIDES) and bool((of_classes >= MIN_OF_CLASS).all(axis=None))
