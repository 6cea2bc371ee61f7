"""Records of JSON's types in, predictions out: as the pipeline would have read and scored the same rows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import config, model_file, scoring
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.core.predict import Outcome, predict
from lifecycle.core.records import to_records
from lifecycle.core.scoring import Scoring
from lifecycle.pipeline.train import fit


@pytest.fixture(scope="session")
def folder(features: pd.DataFrame, inputs: list[str], params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version as servers have it, but for its code and known rows."""
    path = tmp_path_factory.mktemp("version")
    model_file.save(fit(features, inputs, params), path / config.MODEL.name, params.package)
    for name in (config.PARAMS, config.CONTRACT):
        (path / name).write_bytes(name.read_bytes())
    return path


def test_records_that_went_through_json_are_the_rows_that_the_pipeline_read(
    folder: Path, table: pd.DataFrame, inputs: list[str]
) -> None:
    version = Scoring(folder)

    records = json.loads(json.dumps(to_records(table, version.columns), allow_nan=False))

    frame = version.frame(records)
    categorical = list(table[inputs].select_dtypes("category"))
    assert list(frame.select_dtypes("category")) == categorical
    texts = dict.fromkeys(categorical, "object")  # the table's categories are those that occur, the contract's are all
    pd.testing.assert_frame_equal(frame.astype(texts), table[inputs].astype(texts), check_column_type=False)


def test_answers_are_the_predictions_of_the_pipeline(folder: Path, table: pd.DataFrame, params: Params) -> None:
    version = Scoring(folder)

    answers = version.answers(to_records(table.head(200), version.columns))

    predictions = predict(version.model, table.head(200), params)
    assert [answer["label"] for answer in answers] == predictions["prediction"].tolist()
    assert [answer["probability"] for answer in answers] == predictions["probability"].tolist()


def test_a_prediction_that_is_not_a_finite_number_is_an_error(
    folder: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = Scoring(folder)
    infinite = Outcome(["probability"], np.array([[np.inf]]), np.array(["No", "Yes"]), np.array([1]))
    monkeypatch.setattr(scoring, "outcome", lambda *_: infinite)

    with pytest.raises(DataError, match="not a finite number"):
        version.score(table.head(1))


def test_a_folder_without_a_model_is_one_line(tmp_path: Path) -> None:
    for name in (config.PARAMS, config.CONTRACT):
        (tmp_path / name).write_bytes(name.read_bytes())

    with pytest.raises(DataError, match=r"model\.skops: no such file"):
        Scoring(tmp_path)
