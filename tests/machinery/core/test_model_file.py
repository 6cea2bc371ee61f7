import json
import pickle
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from lifecycle.core import model_file
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.pipeline.train import fit


def test_a_model_file_carries_no_time(
    features: pd.DataFrame, inputs: list[str], params: Params, tmp_path: Path
) -> None:
    model_file.save(fit(features, inputs, params), tmp_path / "model.skops", params.package)

    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_model_with_a_type_that_is_not_trusted_is_not_saved(params: Params, tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(json.dumps))

    with pytest.raises(ConfigError) as error:
        model_file.save(model, tmp_path / "model.skops", params.package)

    assert f"json.dumps; to trust it, add it to TRUSTED_TYPES in src/{params.package}/model.py" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_model_file_with_a_type_that_is_not_trusted_is_not_loaded(params: Params, tmp_path: Path) -> None:
    skops.io.dump(make_pipeline(FunctionTransformer(json.dumps)), tmp_path / "model.skops")

    with pytest.raises(DataError, match=r"json\.dumps"):
        model_file.load(tmp_path / "model.skops", params.package)


@pytest.mark.parametrize("content", [pickle.dumps({}), b"", b"PK\x03\x04 not an archive"])
def test_a_damaged_model_file_or_a_pickle_is_not_loaded(params: Params, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)

    with pytest.raises(DataError, match="not a model this project trusts"):
        model_file.load(path, params.package)


def test_a_model_away_from_its_list_of_types_is_loaded_with_that_of_another(
    features: pd.DataFrame, inputs: list[str], params: Params, tmp_path: Path
) -> None:
    """As the gate does with a committed model, which lies in DVC's cache."""
    path = tmp_path / "models/model.skops"
    model_file.save(fit(features, inputs, params), path, params.package)
    cached = shutil.copy(path, tmp_path / "0f3a")

    assert model_file.load(cached, params.package, beside=path)
    with pytest.raises(DataError, match="not a model this project trusts"):
        model_file.load(cached, params.package)
