"""A version of the model in a folder, as the registry hands it out."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.core import config, model_file
from lifecycle.core.config import Params
from lifecycle.pipeline.train import fit
from telco_churn.features import build_features

ROOT = Path.cwd()  # the rendered project


@pytest.fixture(scope="session")
def version(table: pd.DataFrame, params: Params, inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("version")
    for name in (config.PARAMS, config.CONTRACT):
        shutil.copy(ROOT / name, folder)
    model_file.save(fit(build_features(table), inputs, params), folder / config.MODEL.name, params.package)
    return folder
