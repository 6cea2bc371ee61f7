"""The feature function is given the model's inputs, and may only add columns to them."""

from collections.abc import Callable

import pandas as pd
import pytest

from lifecycle.core import user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.pipeline.featurize import with_features

Function = Callable[[pd.DataFrame], pd.DataFrame]
TABLE = pd.DataFrame({"id": ["a", "b"], "x": [1.0, 2.0], "age": [3, 4], "target": ["u", "v"]})


@pytest.fixture
def build(params: Params, monkeypatch: pytest.MonkeyPatch) -> Callable[[Function], pd.DataFrame]:
    data = params.data.model_copy(update={"id": "id", "target": "target", "exclude": ["age"]})

    def build(function: Function) -> pd.DataFrame:
        monkeypatch.setattr(user_code.load(params.package, "features"), "build_features", function)
        return with_features(TABLE, params.model_copy(update={"data": data}))

    return build


def test_features_stand_behind_the_columns_of_the_dataset(build: Callable[[Function], pd.DataFrame]) -> None:
    seen: list[str] = []

    def features(frame: pd.DataFrame) -> pd.DataFrame:
        seen.extend(frame)
        return frame.assign(double=frame["x"] * 2)

    frame = build(features)

    assert seen == ["x"]
    pd.testing.assert_frame_equal(frame, TABLE.assign(double=[2.0, 4.0]))


@pytest.mark.parametrize(
    ("function", "error", "complaint"),
    [
        (lambda frame: frame.assign(age=frame["x"]), DataError, "adds a column age, which contract.yaml has already"),
        (
            lambda frame: frame.assign(double=frame["target"]),
            ConfigError,
            "reads column 'target', which it is not given",
        ),
        (lambda frame: frame.assign(double=frame["age"]), ConfigError, "reads column 'age', which it is not given"),
        (lambda frame: frame.assign(double=frame["xs"]), ConfigError, r"column 'xs', .*\(did you mean x\?\)"),
        (
            lambda frame: frame.assign(ratio=frame["x"] / (frame["x"] - 1)),
            DataError,
            r"features.py: column ratio is infinite in 1 rows, such as after a division by zero",
        ),
        (lambda frame: frame.head(1), DataError, "dropped or reordered"),
        (lambda frame: frame.iloc[::-1], DataError, "dropped or reordered"),
        (lambda frame: frame.rename(columns={"x": "y"}), DataError, "dropped or reordered"),
    ],
)
def test_a_function_that_does_more_is_refused(
    build: Callable[[Function], pd.DataFrame], function: Function, error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        build(function)


def test_a_key_that_is_missing_elsewhere_is_not_taken_for_a_column(build: Callable[[Function], pd.DataFrame]) -> None:
    prices = {"a": 1.0}

    with pytest.raises(KeyError, match="'b'"):
        build(lambda frame: frame.assign(price=prices["b"]))


def test_a_column_that_the_users_file_misspells_is_named_with_its_line(
    build: Callable[[Function], pd.DataFrame], params: Params
) -> None:
    users = user_code.get(params.package, "features", "build_features")
    line = rf"^src/{params.package}/features.py, line \d+, in build_features: reads column '\w+', which it is not given"

    with pytest.raises(ConfigError, match=line):
        build(users)
