"""Dataset in; data/features/{train,validation,test}.parquet out: raw columns and features, split by hash or by time."""

import traceback
from pathlib import Path

import numpy as np
import pandas as pd

from lifecycle.core import config, user_code
from lifecycle.core.config import Params
from lifecycle.core.entity_history import PREFIX, build_history_of
from lifecycle.core.errors import ConfigError, DataError, did_you_mean, place_in_users_code
from lifecycle.core.files import read_parquet, write_parquet
from lifecycle.pipeline import run
from lifecycle.pipeline.history_features import history_features
from lifecycle.pipeline.split import SIDES, check_classes, split


def with_features(dataset: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return the dataset, and behind its columns those of `build_history`, if there is one, and those that `build_features` adds.

    Raises:
        ConfigError: the feature function reads a column that it is not given.
        DataError: it does more than add columns, or a value is infinite.
    """
    past = history_features(dataset, params)
    dataset = pd.concat([dataset, past], axis=1)
    inputs = params.data.inputs(dataset)
    try:
        features: pd.DataFrame = user_code.get(params.package, "features", "build_features")(dataset[inputs])
    except KeyError as error:
        if not _of_pandas(error):
            raise
        place = place_in_users_code(error) or f"build_features in src/{params.package}/features.py"
        raise ConfigError(
            f"{place}: reads column {error}, which it is not given{did_you_mean(str(error.args[0]), inputs)}: it is given the columns of "
            f"{config.CONTRACT} without id, target and data.exclude of {config.PARAMS}"
        ) from None
    if not features.index.equals(dataset.index) or list(features.columns[: len(inputs)]) != inputs:
        raise DataError("build_features dropped or reordered rows or columns: it may only add columns to each row")
    added = list(features.columns[len(inputs) :])
    if taken := [name for name in added if name in dataset]:
        raise DataError(
            f"build_features adds a column {taken[0]}, which {config.CONTRACT} has already: give it another name"
        )
    if build_history_of(params.package) and (taken := [name for name in added if name.startswith(PREFIX)]):
        raise DataError(
            f"build_features adds a column {taken[0]}: names with {PREFIX} are for what build_history makes"
        )
    for name, values in features[[*past, *added]].select_dtypes("number").items():
        if infinite := int(np.isinf(values.to_numpy(dtype="float64", na_value=np.nan)).sum()):
            raise DataError(
                f"src/{params.package}/features.py: column {name} is infinite in {infinite:,} rows, such as "
                "after a division by zero: leave the value missing (NaN) there"
            )
    return pd.concat([dataset, features[added]], axis=1)


def _of_pandas(error: KeyError) -> bool:
    """Whether it is about a column of a frame, and not about a key of anything else in the user's function."""
    return "pandas" in Path(traceback.extract_tb(error.__traceback__)[-1].filename).parts


def main() -> str:
    params = config.load()
    dataset = read_parquet(config.DATASET)
    sides = split(dataset, params.split, params.data)
    if params.task != "regression":
        check_classes(dataset[params.data.target], sides)
    frame = with_features(dataset, params)
    for side in SIDES:
        write_parquet(frame[sides == side], config.FEATURES / f"{side}.parquet")
    counts = ", ".join(f"{(sides == side).sum():,} {side}" for side in SIDES)
    in_gap = f" ({sides.isna().sum():,} in the gap are on no side)" if sides.isna().any() else ""
    added = frame.shape[1] - dataset.shape[1]
    return (
        f"{added} feature{'s' * (added != 1)} added to {dataset.shape[1]} columns; "
        f"wrote {counts} rows to {config.FEATURES}{in_gap}"
    )


if __name__ == "__main__":
    run("featurize", main)
