import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from lifecycle.core.config import Params

from << cookiecutter.package >>.features import build_features


@pytest.fixture
def inputs(frame: pd.DataFrame, params: Params) -> pd.DataFrame:
    """What the feature function is given: the model's inputs."""
    return frame[params.data.inputs(frame)]


def test_a_row_has_the_same_features_alone_as_among_others(inputs: pd.DataFrame) -> None:
    features = build_features(inputs)

    for position in (0, len(inputs) // 2, len(inputs) - 1):
        alone = build_features(inputs.iloc[[position]])
        assert_frame_equal(alone, features.iloc[[position]])


def test_columns_are_only_added(inputs: pd.DataFrame) -> None:
    before = inputs.copy()

    features = build_features(inputs)

    assert_frame_equal(inputs, before)
    assert_frame_equal(features[list(inputs)], before)


def test_building_twice_changes_nothing(inputs: pd.DataFrame) -> None:
    features = build_features(inputs)

    assert_frame_equal(build_features(features), features)
