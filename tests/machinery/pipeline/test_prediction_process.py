"""What the process that measures takes from the one that predicts: probabilities, and for rows without the target."""

import json
import os
from typing import Any

import pandas as pd
import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.pipeline import prediction_process
from lifecycle.pipeline.prediction_process import PredictionProcess, refuse_improbable


@pytest.mark.parametrize(
    ("scores", "wrong"),
    [
        ([[0.0], [1.0], [0.4]], 0),
        ([[1.2], [0.5], [-0.2]], 2),
        ([[0.5, 0.5], [0.2, 0.8000001]], 0),
        ([[1.0, 1.0], [0.5, 0.5], [0.1, 0.1]], 2),
    ],
)
def test_scores_that_are_no_probabilities_are_refused(scores: list[list[float]], wrong: int) -> None:
    if not wrong:
        refuse_improbable(pd.DataFrame(scores))
        return
    with pytest.raises(DataError, match=f"no probabilities in {wrong} rows"):
        refuse_improbable(pd.DataFrame(scores))


@pytest.mark.parametrize("column", ["target", "id"])
def test_a_model_that_asks_for_the_target_or_the_id_is_refused(
    column: str, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = getattr(params.data, column)

    def serve(connection: Any, *others: Any) -> None:
        connection.send_bytes(json.dumps({"inputs": ["tenure", name], "estimator": "X", "threshold": 0.5}).encode())

    monkeypatch.setattr(prediction_process, "_serve", serve)

    with pytest.raises(DataError, match=f"asks for the column {name}"), PredictionProcess(params):
        pass


def test_the_users_code_runs_in_another_process(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(connection: Any, *others: Any) -> None:
        connection.send_bytes(json.dumps({"inputs": [], "estimator": str(os.getpid()), "threshold": 0.5}).encode())

    monkeypatch.setattr(prediction_process, "_serve", serve)

    with PredictionProcess(params) as model:
        assert model.estimator != str(os.getpid())


def test_the_model_is_given_its_inputs_and_nothing_else(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(connection: Any, *others: Any) -> None:
        connection.send_bytes(json.dumps({"inputs": ["tenure"], "estimator": "X", "threshold": 0.5}).encode())
        request = json.loads(connection.recv_bytes())
        columns = pd.read_parquet(request["rows"]).shape[1]
        pd.DataFrame({"prediction": ["No"], "probability": [0.1 * columns]}).to_parquet(request["to"])
        connection.send_bytes(b"{}")

    monkeypatch.setattr(prediction_process, "_serve", serve)
    frame = pd.DataFrame({params.data.id: ["a"], "tenure": [1], params.data.target: ["Yes"], "more": [1]})

    with PredictionProcess(params) as model:
        assert model.predict(frame)["probability"].tolist() == [0.1]
