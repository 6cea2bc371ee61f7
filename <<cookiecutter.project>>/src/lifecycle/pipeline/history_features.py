"""The columns that `build_history` in the user's features.py makes from the rows before each row, and the proof that it does."""

import pandas as pd

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.entity_history import PREFIX, build_history_of
from lifecycle.core.errors import ConfigError, DataError

CUTS = (0.25, 0.5, 0.75)  # of the rows by moment: there the future is cut off
CLOSE = 1e-9  # relative: sums over other rows may be rounded otherwise


def history_features(dataset: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return the columns of `build_history` for the rows of the dataset; no column if there is no such function.

    It is given the dataset without the target, and called again on tables whose later rows are cut off.

    Raises:
        ConfigError: there is no split.time, whose column says which rows come before a row.
        DataError: the columns are not one value a row, have other names than `history_...`, or change without later rows.
    """
    build_history = build_history_of(params.package)
    if build_history is None:
        return pd.DataFrame(index=dataset.index)
    where = f"build_history in src/{params.package}/features.py"
    if params.split.time is None:
        raise ConfigError(f"{where} needs split.time in {config.PARAMS}, which says which rows come before a row")
    known = dataset.drop(columns=params.data.target)
    features: pd.DataFrame = build_history(known)
    if not isinstance(features, pd.DataFrame) or not features.index.equals(known.index):
        raise DataError(f"{where} must return a data frame with the rows of the one that it is given")
    if misnamed := [name for name in map(str, features) if not name.startswith(PREFIX) or name in dataset]:
        raise DataError(
            f"{where} makes a column {misnamed[0]}: its names must start with {PREFIX}, and not be those of {config.CONTRACT}"
        )
    moments = known[params.split.time.column]
    by_moment = moments.sort_values(kind="stable").index
    for cut in CUTS:
        last = by_moment[int(cut * (len(known) - 1))]
        past = known[(moments < moments[last]) | (known.index == last)]
        without_future = build_history(past)
        for name in map(str, features):
            if not _equal(features.loc[past.index, name], without_future[name]):
                raise DataError(
                    f"{where}: {name} of rows up to {moments[last]} changes when later rows are cut off, or others of the same "
                    "moment: it may only look at rows before a row (lifecycle.core.entity_history has functions that do)"
                )
    return features


def _equal(before: pd.Series, after: pd.Series) -> bool:
    try:
        pd.testing.assert_series_equal(before, after, check_dtype=False, check_categorical=False, rtol=CLOSE)
    except AssertionError:
        return False
    return True
