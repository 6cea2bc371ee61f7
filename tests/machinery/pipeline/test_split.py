import pandas as pd
import pytest

from lifecycle.core.config import Params, Split, TimeSplit
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.pipeline.split import check_classes, split

BY_ID = Split(validation=0.15, test=0.2)
BY_TIME = Split(
    validation=0.15, test=0.2, time=TimeSplit(column="signed_up", validation_from="2025-01-02", test_from="2025-01-03")
)


def ids(first: int, last: int) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"C{number:05d}" for number in range(first, last)]})


def test_the_side_of_an_id_never_changes() -> None:
    """Known answers: were the hash to change with a version of pandas, test rows would leak into training."""
    sides = split(ids(0, 12), Split(validation=0.3, test=0.3), "id")

    assert " ".join(side[:2] for side in sides) == "tr va te va te va te va va te tr tr"


def test_adding_rows_moves_no_row() -> None:
    before, after = split(ids(0, 500), BY_ID, "id"), split(ids(0, 5000), BY_ID, "id")

    pd.testing.assert_series_equal(after.head(500), before)


def test_shares_are_kept() -> None:
    shares = split(ids(0, 20_000), BY_ID, "id").value_counts(normalize=True)

    assert shares["validation"] == pytest.approx(0.15, abs=0.01)
    assert shares["test"] == pytest.approx(0.2, abs=0.01)


def test_by_time_each_bound_belongs_to_the_later_side() -> None:
    days = pd.to_datetime(
        ["2025-01-01 23:59", "2025-01-02 00:00", "2025-01-02 23:00", "2025-01-03 00:00", "2026-01-01 00:00"]
    )

    sides = split(pd.DataFrame({"signed_up": days}), BY_TIME, "id")

    assert list(sides) == ["train", "validation", "validation", "test", "test"]


def test_a_side_without_rows_is_refused(params: Params) -> None:
    with pytest.raises(DataError, match="no rows for"):
        split(ids(0, 1), BY_ID, "id")


def test_a_class_that_training_never_sees_is_refused() -> None:
    sides = pd.Series(["train", "train", "test"])

    check_classes(pd.Series(["a", "b", "a"]), sides)
    with pytest.raises(DataError, match="class c has no rows on the training side"):
        check_classes(pd.Series(["a", "b", "c"]), sides)


def test_time_must_be_a_date() -> None:
    with pytest.raises(ConfigError, match="not a date"):
        split(pd.DataFrame({"signed_up": [1, 2, 3]}), BY_TIME, "id")
