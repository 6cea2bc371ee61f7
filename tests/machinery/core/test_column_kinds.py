"""What a feature is follows from its type and its values."""

import pandas as pd

from lifecycle.core.column_kinds import ColumnKinds, column_kinds

ROWS = 2000


def test_each_feature_is_of_the_kind_that_its_values_have() -> None:
    numbers = range(ROWS)
    features = pd.DataFrame(
        {
            "count": pd.array([None, *numbers][:ROWS], dtype="Int64"),
            "open": [number % 2 == 0 for number in numbers],
            "plan": pd.Categorical(["basic", "full"] * (ROWS // 2)),
            "city": [f"city {number % 90}" for number in numbers],
            "post code": [f"{number // 2:05}" for number in numbers],
            "phrase": [f"one of ninety phrases, number {number % 90}" for number in numbers],
            "review": [f"it took {number} days to come" for number in numbers],
            "signed up": pd.date_range("2025-01-01", periods=ROWS, tz="Europe/Berlin"),
            "nothing": [None] * ROWS,
        }
    )

    kinds = column_kinds(features, 250)

    assert kinds == ColumnKinds(
        numbers=["count", "open"],
        categories=["plan", "city", "phrase"],
        many=["post code"],
        texts=["review"],
        dates=["signed up"],
    )
