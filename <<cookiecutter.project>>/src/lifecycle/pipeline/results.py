"""The results of the last `dvc repro` for a notebook: dataset, model and predictions."""

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sklearn.pipeline import Pipeline

from lifecycle.core import config, model_file
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import read_parquet


@dataclass(frozen=True)
class Results:
    """What the pipeline wrote."""

    params: Params
    dataset: pd.DataFrame
    """All rows, with the contract's columns."""
    test: pd.DataFrame
    """The test rows of the dataset, with the columns of `predictions` beside theirs."""
    model: Pipeline
    """The fitted model, which takes the contract's columns."""


def load() -> Results:
    """Return the results, from a notebook in any folder of the project: its root becomes the working directory.

    Raises ConfigError outside of a project; DataError if the pipeline has not run.
    """
    here = Path.cwd()
    root = next((path for path in (here, *here.parents) if (path / config.PARAMS).exists()), None)
    if root is None:
        raise ConfigError(f"{here} is in no project: no folder above it has {config.PARAMS}")
    os.chdir(root)
    params = config.load()
    dataset, predictions = _table(config.DATASET), _table(config.PREDICTIONS)
    test = dataset.merge(predictions.drop(columns=params.data.target), on=params.data.id)
    return Results(params, dataset, test, model_file.load(config.MODEL, params.package))


def _table(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise DataError(f"{path}: no such file; run `make repro`")
    return read_parquet(path)
