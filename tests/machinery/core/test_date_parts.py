"""Dates as numbers, which do not depend on when they are asked for."""

import numpy as np
import pandas as pd

from lifecycle.core.date_parts import DateParts

DATES = pd.DataFrame(
    {
        "born": pd.to_datetime(["2000-03-06", None, "2001-12-31"]),
        "seen": pd.to_datetime(["2025-01-01T10:00Z", "2025-01-02T00:00Z", "2025-01-03T12:30Z"]).tz_convert(
            "Europe/Berlin"
        ),
    }
)


def test_a_date_is_its_age_month_weekday_and_hour() -> None:
    latest = pd.Timestamp("2025-01-03T12:30")

    matrix = DateParts().fit(DATES).transform(DATES)

    first = [(latest - pd.Timestamp("2000-03-06")) / pd.Timedelta(days=1), 3, 0]
    np.testing.assert_allclose(matrix[0], [*first, 2 + 2.5 / 24, 1, 2, 11])  # 10 o'clock in London is 11 in Berlin
    assert np.isnan(matrix[1, :3]).all()
    assert matrix[2, 3] == 0  # the latest of all


def test_the_reference_is_of_the_training_rows_and_not_of_the_rows_asked() -> None:
    transformer = DateParts().fit(DATES)

    np.testing.assert_array_equal(transformer.transform(DATES.head(1)), transformer.transform(DATES)[:1])


def test_an_age_can_be_counted_from_another_column_of_the_row() -> None:
    matrix = DateParts(since="seen").fit(DATES).transform(DATES)

    age = (pd.Timestamp("2025-01-03T12:30") - pd.Timestamp("2001-12-31")) / pd.Timedelta(days=1)
    np.testing.assert_allclose(matrix[[2, 0], [0, 3]], [age, 2 + 2.5 / 24])
