"""The reference is what a server would have logged of the same rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import reference
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import file_hash
from lifecycle.core.records import to_records

ROWS = 1000
INPUTS = {
    "amount": [1.5, np.nan],
    "age": [30, 40],
    "plan": pd.Categorical(["basic", None]),
    "open": [True, False],
    "note": ["a", None],
    "joined": pd.to_datetime(["2026-01-31T12:00", None]),
}
FRAME = pd.concat([pd.DataFrame(INPUTS)] * (ROWS // 2), ignore_index=True)


def of_task(params: Params, task: str, rows: int = 100) -> tuple[pd.DataFrame, pd.DataFrame, list[str], Params]:
    """Return the arguments of `reference.reference` for a task."""
    scores: dict[str, Any] = {"prediction": 2.5 if task == "regression" else "a"}
    if task == "binary":
        scores["probability"] = 0.5
    if task == "multiclass":
        scores |= {f"probability_{name}": 1 / 3 for name in "abc"}
    predictions = pd.DataFrame(scores, index=FRAME.index)
    data = params.data.model_copy(update={"target": "outcome"})
    evaluate = params.evaluate.model_copy(update={"reference": rows})
    params = params.model_copy(update={"task": task, "data": data, "evaluate": evaluate})
    return FRAME.assign(outcome=predictions["prediction"]), predictions, list(INPUTS), params


def test_inputs_are_those_that_a_client_would_send(params: Params) -> None:
    columns = {name: {"dtype": str(FRAME[name].dtype)} for name in INPUTS}

    logged = reference.reference(*of_task(params, "binary", ROWS)).to_pandas()

    sent = json.loads(json.dumps(to_records(FRAME, columns)))
    for row, record in zip(logged.astype(object).to_dict("records"), sent, strict=True):
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
def test_it_holds_the_predictions_of_the_task_and_the_outcome(params: Params, task: str, answers: list[str]) -> None:
    logged = reference.reference(*of_task(params, task)).to_pandas()

    assert list(logged) == [*(f"inputs.{name}" for name in INPUTS), *answers]
    assert logged["actual"].map(type).unique().tolist() == [float if task == "regression" else str]


def test_it_is_a_bounded_sample_and_the_same_bytes_every_time(params: Params, tmp_path: Path) -> None:
    for name in ("first", "second"):
        reference.write(reference.reference(*of_task(params, "binary", rows=100)), tmp_path / name)

    assert reference.read(tmp_path / "first").num_rows == 100
    assert file_hash(tmp_path / "first") == file_hash(tmp_path / "second")


def test_a_version_without_a_reference_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="was registered without a reference"):
        reference.read(tmp_path / "reference.parquet")
    (tmp_path / "reference.parquet").write_text("nonsense")
    with pytest.raises(ConfigError, match="cannot be read"):
        reference.read(tmp_path / "reference.parquet")
