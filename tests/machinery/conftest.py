"""What many tests start from: the first rows of the rendered project's dataset, and the user's feature function."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.core import config, contract, user_code
from lifecycle.core.config import Params
from lifecycle.core.raw_table import read_raw

ROOT = Path.cwd()  # the rendered project
ROWS = 1500


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages name files relative to the root of the repo."""
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def params() -> Params:
    return config.load(ROOT / config.PARAMS)


@pytest.fixture(scope="session")
def schema(params: Params) -> pa.DataFrameSchema:
    return contract.load(ROOT / config.CONTRACT, params.package)


@pytest.fixture(scope="session")
def table(params: Params, schema: pa.DataFrameSchema) -> pd.DataFrame:
    path = ROOT / params.data.raw
    assert path.exists(), f"{path} is missing: run `make setup`, or `dvc pull {path}`"
    return read_raw(path, schema, params.data).head(ROWS)


@pytest.fixture
def frame(table: pd.DataFrame) -> pd.DataFrame:
    """A copy that a test may spoil."""
    return table.copy()


@pytest.fixture(scope="session")
def inputs(params: Params, schema: pa.DataFrameSchema) -> list[str]:
    """The columns that the model is given."""
    return [name for name in schema.columns if name not in (params.data.id, params.data.target)]


@pytest.fixture(scope="session")
def build_features(params: Params) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return user_code.load(params.package, "features").build_features


@pytest.fixture(scope="session")
def features(table: pd.DataFrame, build_features: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """What `train` and `evaluate` read."""
    return build_features(table)
