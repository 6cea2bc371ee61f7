"""`build_history`: what it may look at, where its columns go, and where a model that takes them is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.core import config, entity_history, model_file, user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.predict import predict
from lifecycle.core.scoring import Scoring
from lifecycle.core.time_settings import TimeSplit
from lifecycle.pipeline.featurize import with_features
from lifecycle.pipeline.train import fit

Function = Callable[[pd.DataFrame], pd.DataFrame]
TABLE = pd.DataFrame(
    {
        "id": [f"o{n}" for n in range(60)],
        "account": ["a", "b", "c"] * 20,
        "bought": pd.Timestamp("2024-01-01") + pd.to_timedelta([n // 4 for n in range(60)], unit="D"),
        "amount": [float(n % 7) for n in range(60)],
        "target": ["u", "v", "v"] * 20,
    }
)


def spent(frame: pd.DataFrame) -> pd.DataFrame:
    assert "target" not in frame
    amounts = entity_history.rolling(frame, by="account", at="bought", value="amount", window="5D", how="sum")
    return pd.DataFrame({"history_spent": amounts})


def relative(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(relative=frame["amount"] / (1 + frame["history_spent"].fillna(0)))


@pytest.fixture
def build(params: Params, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pd.DataFrame]:
    data = params.data.model_copy(update={"id": "id", "target": "target", "exclude": ["account", "bought"]})
    time = TimeSplit(column="bought", validation_from="2024-01-08", test_from="2024-01-12")

    def build(build_history: Function, build_features: Function = relative, over_time: bool = True) -> pd.DataFrame:
        features = user_code.load(params.package, "features")
        monkeypatch.setattr(features, "build_features", build_features)
        monkeypatch.setattr(features, "build_history", build_history, raising=False)
        split = params.split.model_copy(update={"time": time if over_time else None})
        return with_features(TABLE, params.model_copy(update={"data": data, "split": split}))

    return build


def test_its_columns_stand_between_those_of_the_dataset_and_the_features(build: Callable[..., pd.DataFrame]) -> None:
    frame = build(spent)

    assert list(frame) == [*TABLE, "history_spent", "relative"]
    assert frame["history_spent"].iloc[:4].isna().all()
    assert frame["history_spent"].notna().any()


def with_column(name: str, values: Callable[[pd.DataFrame], pd.Series]) -> Function:
    return lambda frame: pd.DataFrame({name: values(frame)})


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (lambda frame: frame["amount"], "must return a data frame with the rows"),
        (lambda frame: spent(frame).head(3), "must return a data frame with the rows"),
        (
            with_column("spent", lambda frame: frame["amount"]),
            "makes a column spent: its names must start with history_",
        ),
        (
            with_column("history_total", lambda frame: frame.groupby("account")["amount"].transform("sum")),
            "history_total of rows up to 2024-01-04 00:00:00 changes when later rows are cut off",
        ),
        (
            with_column("history_next", lambda frame: frame.groupby("account")["amount"].shift(-1)),
            "history_next of rows",
        ),
        (
            with_column("history_today", lambda frame: frame.groupby("bought")["amount"].transform("count")),
            "or others of the same moment",
        ),
    ],
)
def test_a_function_that_looks_elsewhere_is_refused(
    build: Callable[..., pd.DataFrame], function: Function, complaint: str
) -> None:
    with pytest.raises(DataError, match=complaint):
        build(function, lambda frame: frame)


def test_it_needs_a_split_by_time_and_its_names_for_itself(build: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(ConfigError, match=r"build_history in .* needs split\.time"):
        build(spent, over_time=False)
    with pytest.raises(DataError, match="build_features adds a column history_more"):
        build(spent, lambda frame: frame.assign(history_more=1.0))


def test_a_model_of_such_columns_is_trained_and_evaluated_and_never_answers_a_row_alone(
    features: pd.DataFrame, inputs: list[str], params: Params, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    frame = features.assign(history_spent=features["monthly_charges"].shift(1))
    monkeypatch.setattr(user_code.load(params.package, "features"), "build_history", spent, raising=False)
    taken = entity_history.model_inputs([*inputs, params.data.id, params.data.target], frame, params)
    assert taken == [*inputs, "history_spent"]

    model = fit(frame, taken, params)

    assert list(model.feature_names_in_) == taken
    assert predict(model, frame, params)["probability"].notna().all()
    for path in (config.PARAMS, config.CONTRACT):
        shutil.copy(path, tmp_path)
    model_file.save(model, tmp_path / config.MODEL.name, params.package)
    with pytest.raises(
        ConfigError, match=r"takes history_spent, which build_history .* neither served nor used to score"
    ):
        Scoring(tmp_path)


def test_without_the_function_a_column_of_such_a_name_is_any_feature(features: pd.DataFrame, params: Params) -> None:
    frame = features.assign(history_length=1.0)

    assert "history_length" not in entity_history.model_inputs(["tenure"], frame, params)
