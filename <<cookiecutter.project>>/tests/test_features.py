import pandas as pd
from pandas.testing import assert_frame_equal

from lifecycle.core.config import Params

from << cookiecutter.package >>.features import build_features


def test_a_row_has_the_same_features_alone_as_among_others(frame: pd.DataFrame) -> None:
    features = build_features(frame)

    for position in (0, len(frame) // 2, len(frame) - 1):
        alone = build_features(frame.iloc[[position]])
        assert_frame_equal(alone, features.iloc[[position]])


def test_columns_are_only_added(frame: pd.DataFrame) -> None:
    before = frame.copy()

    features = build_features(frame)

    assert_frame_equal(frame, before)
    assert_frame_equal(features[list(frame)], before)


def test_building_twice_changes_nothing(frame: pd.DataFrame) -> None:
    features = build_features(frame)

    assert_frame_equal(build_features(features), features)


def test_the_target_is_not_needed(frame: pd.DataFrame, params: Params) -> None:
    features = build_features(frame)

    without_target = build_features(frame.drop(columns=params.data.target))

    assert_frame_equal(without_target, features.drop(columns=params.data.target))
