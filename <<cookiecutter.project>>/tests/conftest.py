"""The sample every test starts from: the first rows of the versioned dataset, read as the pipeline reads them."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest

from << cookiecutter.package >> import config, contract
from << cookiecutter.package >>.config import Params
from << cookiecutter.package >>.stages.data import read_raw

ROOT = Path(__file__).parents[1]
ROWS = 1500


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `sample` speak of the Telco table's columns: they end when it is replaced."""
    if config.load(ROOT / config.PARAMS).data.raw != Path("data/raw/telco.csv"):
        for item in items:
            if item.get_closest_marker("sample"):
                item.add_marker(pytest.mark.skip(reason="speaks of the sample's columns, which are gone"))


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages name files relative to the root of the repo."""
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def params() -> Params:
    return config.load(ROOT / config.PARAMS)


@pytest.fixture(scope="session")
def schema() -> pa.DataFrameSchema:
    return contract.load(ROOT / config.CONTRACT)


@pytest.fixture(scope="session")
def table(params: Params, schema: pa.DataFrameSchema) -> pd.DataFrame:
    path = ROOT / params.data.raw
    assert path.exists(), f"{path} is missing: run `make setup`, or `dvc pull {path}`"
    return read_raw(path, schema).head(ROWS)


@pytest.fixture
def frame(table: pd.DataFrame) -> pd.DataFrame:
    """A copy that a test may spoil."""
    return table.copy()


@pytest.fixture(scope="session")
def inputs(params: Params, schema: pa.DataFrameSchema) -> list[str]:
    """The columns that the model is given."""
    return [name for name in schema.columns if name not in (params.data.id, params.data.target)]
