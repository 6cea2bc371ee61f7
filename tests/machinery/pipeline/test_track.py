"""What goes with a logged model."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest
from sklearn.linear_model import LogisticRegression

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.pipeline.track import _known_predictions, _requirements


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


def test_the_library_of_an_estimator_is_required_to_load_its_model(params: Params) -> None:
    def names(estimator: object) -> set[str]:
        return {requirement.partition("==")[0] for requirement in _requirements(estimator, params.package)}

    assert names(pa.Column("int64")) - names(LogisticRegression()) == {"pandera"}
    assert "scikit-learn" in names(LogisticRegression())
