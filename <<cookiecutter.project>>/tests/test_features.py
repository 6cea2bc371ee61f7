import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from << cookiecutter.package >>.features import build_features


def test_a_row_gets_the_same_features_alone_as_in_a_crowd(frame: pd.DataFrame) -> None:
    crowd = build_features(frame)

    for position in (0, len(frame) // 2, len(frame) - 1):
        alone = build_features(frame.iloc[[position]])
        assert_frame_equal(alone, crowd.iloc[[position]])


def test_columns_are_only_added(frame: pd.DataFrame) -> None:
    before = frame.copy()

    features = build_features(frame)

    assert_frame_equal(frame, before)
    assert_frame_equal(features[list(frame)], before)


def test_building_twice_changes_nothing(frame: pd.DataFrame) -> None:
    once = build_features(frame)

    assert_frame_equal(build_features(once), once)


@pytest.mark.sample
def test_a_first_month_has_no_average_charge(frame: pd.DataFrame) -> None:
    frame.loc[0, ["tenure", "total_charges"]] = [0, 50.0]

    assert pd.isna(build_features(frame)["average_charge"][0])
