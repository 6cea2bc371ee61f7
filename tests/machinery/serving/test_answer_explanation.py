"""A logged answer is explained by the version that gave it, or refused in one line."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lifecycle.core import config, model_file
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.core.records import to_records
from lifecycle.core.scoring import Scoring
from lifecycle.core.version_files import INPUTS, KNOWN, PREDICTIONS
from lifecycle.pipeline.train import fit
from lifecycle.serving.answer_explanation import explain_logged, logged_answer


@pytest.fixture(scope="module")
def version(
    table: pd.DataFrame,
    features: pd.DataFrame,
    params: Params,
    inputs: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Scoring:
    """A version with ten known rows."""
    folder = tmp_path_factory.mktemp("version")
    for name in (config.PARAMS, config.CONTRACT):
        shutil.copy(name, folder)
    model_file.save(fit(features, inputs, params), folder / config.MODEL.name, params.package)
    (folder / KNOWN).mkdir()
    table[inputs].head(10).to_parquet(folder / KNOWN / INPUTS)
    pd.DataFrame({"probability_Yes": [0.5] * 10}).to_parquet(folder / KNOWN / PREDICTIONS)
    return Scoring(folder)


@pytest.fixture
def log(table: pd.DataFrame, inputs: list[str], version: Scoring, tmp_path: Path) -> Path:
    """One request, answered by version 3, and by a shadow before."""
    (record,) = to_records(table[inputs].iloc[[20]], version.columns)
    head = {"time": "2026-03-01T12:00:00.000+00:00", "request_id": "r20", "milliseconds": 1.0, "inputs": record}
    lines = [
        json.dumps({"version": number, "role": role, **head}, separators=(",", ":"))
        for number, role in ((4, "shadow"), (3, "production"))
    ]
    (tmp_path / "2026-03-01").mkdir()
    (tmp_path / "2026-03-01/a.jsonl").write_text("\n".join(["{broken r20", *lines]) + "\n")
    return tmp_path


def test_the_answer_that_was_sent_is_explained_and_adds_up(log: Path, version: Scoring) -> None:
    answer = logged_answer("r20", log)

    text = explain_logged(answer, version)

    probability = version.answers([answer["inputs"]])[0]["probability"]
    assert text.startswith(f"request r20, version 3: probability of churn Yes {probability:.4g}, ")
    (total,) = re.findall(r"^sum +(\S+)", text, flags=re.MULTILINE)
    (distance,) = re.findall(r", (\S+) from ", text)
    assert total == distance


def test_a_request_that_nobody_made_is_refused(log: Path) -> None:
    with pytest.raises(DataError, match=r"^r2: no answer to a request of this id is in "):
        logged_answer("r2", log)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"tenure": None}, "the log does not have the inputs as the contract does"), ("tenure", "the log has no tenure")],
)
def test_inputs_that_were_not_logged_as_the_model_takes_them_are_refused(
    log: Path, version: Scoring, change: Any, reason: str
) -> None:
    answer = logged_answer("r20", log)
    inputs = answer["inputs"]
    changed = inputs | change if isinstance(change, dict) else {name: inputs[name] for name in inputs if name != change}

    with pytest.raises(DataError, match=f"^request r20, version 3: {reason}"):
        explain_logged(answer | {"inputs": changed}, version)
