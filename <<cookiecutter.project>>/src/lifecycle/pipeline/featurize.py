"""Dataset in; data/features/{train,validation,test}.parquet out: raw columns and features, split by id or by time."""

from lifecycle.core import config, user_code
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import read_parquet, write_parquet
from lifecycle.pipeline import run
from lifecycle.pipeline.split import SIDES, check_classes, split


def main() -> str:
    params = config.load()
    dataset = read_parquet(config.DATASET)
    sides = split(dataset, params.split, params.data.id)
    if params.task != "regression":
        check_classes(dataset[params.data.target], sides)
    try:
        frame = user_code.get(params.package, "features", "build_features")(dataset)
    except KeyError as error:
        message = f"build_features in src/{params.package}/features.py reads column {error}, which {config.CONTRACT} does not have"
        raise ConfigError(message) from None
    if len(frame) != len(dataset) or not frame.columns[: dataset.shape[1]].equals(dataset.columns):
        raise DataError("build_features dropped or reordered rows or columns: it may only add columns to each row")
    for side in SIDES:
        write_parquet(frame[sides == side], config.FEATURES / f"{side}.parquet")
    counts = ", ".join(f"{(sides == side).sum():,} {side}" for side in SIDES)
    added = frame.shape[1] - dataset.shape[1]
    return f"{added} feature{'s' * (added != 1)} added to {dataset.shape[1]} columns; wrote {counts} rows to {config.FEATURES}"


if __name__ == "__main__":
    run("featurize", main)
