"""A version of the model in a folder, as the registry hands it out."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.core import config, model_file, version_code
from lifecycle.core.config import Params
from lifecycle.core.version_files import CODE
from lifecycle.pipeline.train import fit
from machinery.batch.known import with_known_rows
from telco_churn.features import build_features

ROOT = Path.cwd()  # the rendered project


@pytest.fixture(scope="session")
def version(table: pd.DataFrame, params: Params, inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("version")
    for name in (config.PARAMS, config.CONTRACT):
        shutil.copy(ROOT / name, folder)
    model_file.save(fit(build_features(table), inputs, params), folder / config.MODEL.name, params.package)
    return folder


@pytest.fixture
def logged(version: Path, table: pd.DataFrame, params: Params, tmp_path: Path) -> Path:
    """The version with its code and known rows, in a cache of its own."""
    folder = Path(shutil.copytree(version, tmp_path / "cache/1-model-code"))
    version_code.copy(params.package, folder / CODE)
    return with_known_rows(folder, table.head(20))
