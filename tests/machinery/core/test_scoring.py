"""Records of JSON's types in, answers out: as the pipeline would have read and scored the same rows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from telco_churn.features import build_features

from lifecycle.core import config, model_file
from lifecycle.core import predict as model
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.core.files import read_yaml
from lifecycle.core.records import to_records
from lifecycle.core.scoring import Scoring
from lifecycle.pipeline.train import fit


@pytest.fixture(scope="session")
def folder(table: pd.DataFrame, inputs: list[str], params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version as servers have it, but for its code and known rows."""
    path = tmp_path_factory.mktemp("version")
    model_file.save(fit(build_features(table), inputs, params), path / config.MODEL.name)
    for name in (config.PARAMS, config.CONTRACT):
        (path / name).write_text((Path(__file__).parents[1] / name).read_text())
    return path


def test_records_that_went_through_json_are_the_rows_that_the_pipeline_read(
    folder: Path, table: pd.DataFrame, inputs: list[str]
) -> None:
    scoring = Scoring(folder)

    records = json.loads(json.dumps(to_records(table, scoring.columns), allow_nan=False))

    texts = dict.fromkeys(
        table[inputs].select_dtypes("category"), "object"
    )  # which categories occur is the table's affair
    found = scoring.frame(records)
    assert list(found.select_dtypes("category")) == list(texts)
    pd.testing.assert_frame_equal(found.astype(texts), table[inputs].astype(texts), check_column_type=False)


def test_the_answers_are_those_of_the_pipeline(folder: Path, table: pd.DataFrame, params: Params) -> None:
    scoring = Scoring(folder)

    answers = scoring.answers(to_records(table.head(200), scoring.columns))

    expected = model.predict(scoring.model, table.head(200), params)
    assert [answer.get("label", answer.get("prediction")) for answer in answers] == expected["prediction"].tolist()
    if params.task == "binary":
        assert [answer["probability"] for answer in answers] == expected["probability"].tolist()


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("float64", [1, None, 2.5], np.array([1, np.nan, 2.5])),
        ("Int64", [1, None, 3], pd.array([1, None, 3], dtype="Int64")),
        ("bool", [True, False, True], np.array([True, False, True])),
        ("str", ["a", None, "b"], pd.array(["a", None, "b"], dtype="str")),
        ("category", ["a", None, "b"], pd.Categorical(["a", None, "b"])),
        ("datetime64[ns]", ["2026-01-31T12:00:00", None, "2026-02-01"], np.array(["2026-01-31T12:00", "NaT", "2026-02-01"], dtype="datetime64[ns]")),
        ("datetime64[ns, UTC]", ["2026-01-31T12:00:00Z", None, "2026-01-31T12:00:00+02:00"], pd.DatetimeIndex(np.array(["2026-01-31T12:00", "NaT", "2026-01-31T10:00"], dtype="datetime64[ns]"), tz="UTC")),
    ],
)  # fmt: skip
def test_every_type_of_a_contract_comes_out_of_json_and_goes_back(
    folder: Path, dtype: str, values: list, expected: object
) -> None:
    scoring = Scoring(folder)
    scoring.columns = {"x": {"dtype": dtype}}
    scoring.kinds = {"x": pd.CategoricalDtype() if dtype == "category" else pd.api.types.pandas_dtype(dtype)}
    scoring.names = pd.Index(["x"], dtype=object)

    frame = scoring.frame([{"x": value} for value in values])

    wanted = pd.DataFrame({"x": expected}).astype({"x": dtype})
    pd.testing.assert_frame_equal(frame, wanted, check_column_type=False, check_categorical=False)
    back = scoring.frame(json.loads(json.dumps(to_records(frame, scoring.columns), allow_nan=False)))
    pd.testing.assert_frame_equal(back, wanted, check_column_type=False, check_categorical=False)


def test_an_answer_that_is_no_number_is_none(
    folder: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring = Scoring(folder)
    name = "prediction" if scoring.params.task == "regression" else "probability"
    spoilt = pd.DataFrame({"prediction": [0.0], name: [np.inf]})
    monkeypatch.setattr(model, "predict", lambda *_: spoilt)

    with pytest.raises(DataError, match="not a finite number"):
        scoring.score(table.head(1))


def test_a_folder_without_a_model_is_one_line(tmp_path: Path) -> None:
    for name in (config.PARAMS, config.CONTRACT):
        (tmp_path / name).write_text(Path(name).read_text())

    with pytest.raises(DataError, match=r"model\.skops: no such file"):
        Scoring(tmp_path)
    assert read_yaml(tmp_path / config.CONTRACT)
