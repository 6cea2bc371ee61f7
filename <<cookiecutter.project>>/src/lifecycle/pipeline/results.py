"""The results of the last `dvc repro` for a notebook: dataset, model and predictions."""

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sklearn.pipeline import Pipeline

from lifecycle.core import config, model_file
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_parquet
from lifecycle.core.model_folders import require


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


def load(model: str = "") -> Results:
    """Return the results, from a notebook in any folder of the project, whose root becomes the working directory.

    Args:
        model: the name of a further model, in models/: then its folder becomes the working directory.

    Raises ConfigError outside of a project, if there is no such model, or if the pipeline has not run.
    """
    here = Path.cwd()
    root = next((path for path in (here, *here.parents) if (path / config.PARAMS).exists()), None)
    if root is None:
        raise ConfigError(f"{here} is in no project: no folder above it has {config.PARAMS}")
    os.chdir(require(model, root) if model else root)
    params = config.load()
    dataset, predictions = read_parquet(config.DATASET), read_parquet(config.PREDICTIONS)
    test = dataset.merge(predictions.drop(columns=params.data.target), on=params.data.id)
    return Results(params, dataset, test, model_file.load(config.MODEL, params.package))
