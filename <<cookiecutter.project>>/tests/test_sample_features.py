"""The features of the sample's columns."""

import pandas as pd

from << cookiecutter.package >>.features import build_features


def test_a_first_month_has_no_average_charge(frame: pd.DataFrame) -> None:
    frame.loc[0, ["tenure", "total_charges"]] = [0, 50.0]

    assert pd.isna(build_features(frame)["average_charge"][0])


def test_add_ons_are_counted(frame: pd.DataFrame) -> None:
    frame.loc[0, ["online_security", "online_backup", "device_protection", "tech_support", "streaming_tv"]] = "No"
    frame.loc[0, ["streaming_tv", "streaming_movies"]] = "Yes"

    assert build_features(frame)["add_ons"][0] == 2
