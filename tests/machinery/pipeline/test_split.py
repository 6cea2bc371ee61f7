import pandas as pd
import pytest

from lifecycle.core.config import Data, Params, Split
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.time_settings import TimeSplit
from lifecycle.pipeline.split import check_classes, split

BY_KEY = Data(raw="raw.csv", id="id", target="target")
BY_ID = Split(validation=0.15, test=0.2)
BY_TIME = Split(
    validation=0.15, test=0.2, time=TimeSplit(column="signed_up", validation_from="2025-01-02", test_from="2025-01-03")
)


def ids(first: int, last: int) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"C{number:05d}" for number in range(first, last)]})


def test_the_side_of_an_id_never_changes() -> None:
    """Known answers: were the hash to change with a version of pandas, test rows would leak into training."""
    sides = split(ids(0, 12), Split(validation=0.3, test=0.3), BY_KEY)

    assert " ".join(side[:2] for side in sides) == "tr va te va te va te va va te tr tr"


def test_adding_rows_moves_no_row() -> None:
    before, after = split(ids(0, 500), BY_ID, BY_KEY), split(ids(0, 5000), BY_ID, BY_KEY)

    pd.testing.assert_series_equal(after.head(500), before)


def test_shares_are_kept() -> None:
    shares = split(ids(0, 20_000), BY_ID, BY_KEY).value_counts(normalize=True)

    assert shares["validation"] == pytest.approx(0.15, abs=0.01)
    assert shares["test"] == pytest.approx(0.2, abs=0.01)


def test_by_time_each_bound_belongs_to_the_later_side() -> None:
    days = pd.to_datetime(
        ["2025-01-01 23:59", "2025-01-02 00:00", "2025-01-02 23:00", "2025-01-03 00:00", "2026-01-01 00:00"]
    )

    sides = split(pd.DataFrame({"signed_up": days}), BY_TIME, BY_KEY)

    assert list(sides) == ["train", "validation", "validation", "test", "test"]


def test_a_side_without_rows_is_refused(params: Params) -> None:
    with pytest.raises(DataError, match="no rows for"):
        split(ids(0, 1), BY_ID, BY_KEY)


def test_a_class_that_training_never_sees_is_refused() -> None:
    sides = pd.Series(["train", "train", "test"])

    check_classes(pd.Series(["a", "b", "a"]), sides)
    with pytest.raises(DataError, match="class c has no rows on the training side"):
        check_classes(pd.Series(["a", "b", "c"]), sides)


def test_time_must_be_a_date() -> None:
    with pytest.raises(ConfigError, match="not a date"):
        split(pd.DataFrame({"signed_up": [1, 2, 3]}), BY_TIME, BY_KEY)


def test_another_salt_is_another_split_of_the_same_shares() -> None:
    before, after = (
        split(ids(0, 5000), BY_ID, BY_KEY),
        split(ids(0, 5000), BY_ID.model_copy(update={"salt": 7}), BY_KEY),
    )

    assert (before == after).mean() == pytest.approx(0.65**2 + 0.15**2 + 0.2**2, abs=0.03)


def test_rows_of_a_group_stay_on_one_side() -> None:
    frame = ids(0, 3000).assign(household=[number // 10 for number in range(3000)])

    sides = split(frame, BY_ID.model_copy(update={"group": "household"}), BY_KEY)

    assert (sides.groupby(frame["household"]).nunique() == 1).all()


def test_rows_of_equal_content_stay_on_one_side() -> None:
    made = BY_KEY.model_copy(update={"id_from": ["x"]})
    frame = pd.DataFrame({"id": [f"{number:016x}{more}" for number in range(300) for more in ("", "-2", "-3")]})

    sides = split(frame, BY_ID, made)

    assert (sides.groupby(frame["id"].str[:16]).nunique() == 1).all()
    assert (split(frame, BY_ID, BY_KEY).groupby(frame["id"].str[:16]).nunique() > 1).any()


def test_rows_in_the_gap_before_a_date_are_on_no_side() -> None:
    days = pd.to_datetime(["2024-12-30", "2025-01-01", "2025-01-02", "2025-01-09", "2025-01-10", "2025-01-11"])
    time = TimeSplit(column="signed_up", validation_from="2025-01-02", test_from="2025-01-11", gap_days=2)

    sides = split(pd.DataFrame({"signed_up": days}), BY_TIME.model_copy(update={"time": time}), BY_KEY)

    assert list(sides.astype(object).where(sides.notna(), None)) == [
        "train", None, "validation", None, None, "test",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "first"), [("UTC", "validation"), ("Europe/Berlin", "validation"), ("US/Pacific", "train")]
)
def test_a_date_without_a_time_zone_is_in_that_of_the_column(zone: str, first: str) -> None:
    moments = pd.to_datetime(
        ["2024-12-01 00:00", "2025-01-02 00:00", "2025-01-02 22:00", "2025-02-01 00:00"]
    ).tz_localize("UTC")

    sides = split(pd.DataFrame({"signed_up": moments.tz_convert(zone)}), BY_TIME, BY_KEY)

    assert list(sides) == ["train", first, "validation", "test"]


def test_a_row_without_a_date_and_a_date_that_is_none_are_refused() -> None:
    frame = pd.DataFrame({"signed_up": pd.to_datetime(["2024-12-01", None, "2025-02-01"])})
    with pytest.raises(DataError, match="column signed_up: 1 rows have no date"):
        split(frame, BY_TIME, BY_KEY)

    for date in ("2024-13-01", "2024-01-01T00:00:00Z"):
        time = TimeSplit(column="signed_up", validation_from=date, test_from="2025-01-03")
        with pytest.raises(ConfigError, match=f"{date} is not a date of column signed_up"):
            split(frame.dropna(), BY_TIME.model_copy(update={"time": time}), BY_KEY)
