"""The table that every test starts from: the dataset, read as the pipeline reads it."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.core import config, contract
from lifecycle.core.config import Params
from lifecycle.core.raw_table import read_raw
from lifecycle.pipeline.data import drop_repeated_rows

ROOT = Path(__file__).parents[1]
ROWS = 500


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """params.yaml names files relative to the root of the repo."""
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def params() -> Params:
    return config.load(ROOT / config.PARAMS)


@pytest.fixture(scope="session")
def schema(params: Params) -> pa.DataFrameSchema:
    return contract.load(ROOT / config.CONTRACT, params.package)


@pytest.fixture(scope="session")
def dataset(params: Params, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """All rows, without those that repeat an earlier one."""
    path = ROOT / params.data.raw
    assert path.exists(), f"{path} is missing: run `make setup`, or `dvc pull {path}`"
    return drop_repeated_rows(read_raw(path, schema, params.data), params.data.id)


@pytest.fixture
def frame(dataset: pd.DataFrame) -> pd.DataFrame:
    """A copy of the first rows, which a test may change."""
    return dataset.head(ROWS).copy()
