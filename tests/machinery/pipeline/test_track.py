"""What goes with a logged model."""

from pathlib import Path

import pandas as pd
import pytest

from lifecycle.core import config, model_file
from lifecycle.core.config import Params
from lifecycle.pipeline.logged_model import _known_predictions, _requirements


@pytest.mark.parametrize(
    ("task", "predicted", "known"),
    [
        ("binary", {"prediction": "Yes", "probability": 0.7}, {"probability_Yes": 0.7}),
        ("multiclass", {"prediction": "a", "probability_a": 0.7, "probability_b": 0.3}, None),
        ("regression", {"prediction": 3.5}, {"prediction": 3.5}),
    ],
)
def test_predictions_are_logged_whatever_id_and_target_are_called(
    params: Params,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    predicted: dict[str, object],
    known: dict[str, object] | None,
) -> None:
    data = params.data.model_copy(update={"id": "probability_id", "target": "probability_x", "positive": "Yes"})
    table = pd.DataFrame([{"probability_id": 1, "probability_x": 2, **predicted}])
    monkeypatch.setattr(config, "PREDICTIONS", tmp_path / "test.parquet")
    table.to_parquet(config.PREDICTIONS)

    logged = _known_predictions(params.model_copy(update={"task": task, "data": data}))

    expected = known or {name: value for name, value in predicted.items() if name != "prediction"}
    assert logged.to_dict("records") == [expected]


def test_the_libraries_of_a_models_types_are_required_to_load_it(
    params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        model_file, "trusted", lambda package, path: ["pandera.api.checks.Check", f"{package}.model.Mine"]
    )

    names = {requirement.partition("==")[0] for requirement in _requirements(params.package)}

    assert {"pandera", "scikit-learn", "skops"} < names
