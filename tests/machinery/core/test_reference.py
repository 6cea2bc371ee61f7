"""The reference is what a server would have logged of the same rows."""

import json
from pathlib import Path

import pandas as pd
import pytest
from machinery.monitoring import lab

from lifecycle.core import reference
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import file_hash
from lifecycle.core.records import to_records


def test_inputs_are_those_that_a_client_would_send(params: Params) -> None:
    params = lab.of_task(params, "binary")
    frame, _ = lab.population(50, 1)
    columns = {name: {"dtype": str(frame[name].dtype)} for name in lab.INPUTS}

    kept = lab.kept(50, 1, params)

    sent = json.loads(json.dumps(to_records(frame, columns)))
    for row, record in zip(kept.astype(object).to_dict("records"), sent, strict=True):
        for name, value in record.items():
            assert pd.isna(row[f"inputs.{name}"]) if value is None else row[f"inputs.{name}"] == value


@pytest.mark.parametrize(
    ("task", "answers"),
    [
        ("binary", ["probability", "actual"]),
        ("multiclass", ["probabilities.a", "probabilities.b", "probabilities.c", "actual"]),
        ("regression", ["prediction", "actual"]),
    ],
)
def test_it_holds_the_answers_of_the_task_and_what_became_of_the_row(
    params: Params, task: str, answers: list[str]
) -> None:
    kept = lab.kept(50, 1, lab.of_task(params, task))

    assert list(kept) == [*(f"inputs.{name}" for name in lab.INPUTS), *answers]
    assert kept["actual"].map(type).unique().tolist() == [float if task == "regression" else str]


def test_it_is_a_bounded_sample_and_the_same_bytes_every_time(params: Params, tmp_path: Path) -> None:
    params = lab.of_task(params, "binary")
    few = params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"reference": 100})})
    frame, predictions = lab.population(1000, 1)
    for name in ("one", "two"):
        reference.write(reference.reference(frame, predictions, lab.INPUTS, few), tmp_path / name)

    assert reference.read(tmp_path / "one").num_rows == 100
    assert file_hash(tmp_path / "one") == file_hash(tmp_path / "two")


def test_a_version_without_one_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="was registered without a reference"):
        reference.read(tmp_path / "reference.parquet")
    (tmp_path / "reference.parquet").write_text("nonsense")
    with pytest.raises(ConfigError, match="cannot be read"):
        reference.read(tmp_path / "reference.parquet")
