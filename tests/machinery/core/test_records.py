"""Rows to JSON and back, for every type that a contract may give a column."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecycle.core.records import to_frame, to_records


def moments(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[ns]")


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("float64", [1, None, 2.5], np.array([1, np.nan, 2.5])),
        ("Int64", [1, None, 3], pd.array([1, None, 3], dtype="Int64")),
        ("bool", [True, False, True], np.array([True, False, True])),
        ("str", ["a", None, "b"], pd.array(["a", None, "b"], dtype="str")),
        ("category", ["a", None, "b"], pd.Categorical(["a", None, "b"])),
        ("datetime64[ns]", ["2026-01-31T12:00:00", None, "2026-02-01"], moments("2026-01-31T12:00", "NaT", "2026-02-01")),
        ("datetime64[ns, UTC]", ["2026-01-31T12:00:00Z", None, "2026-01-31T12:00:00+02:00"], pd.DatetimeIndex(moments("2026-01-31T12:00", "NaT", "2026-01-31T10:00"), tz="UTC")),
    ],
)  # fmt: skip
def test_a_column_of_any_type_survives_json(dtype: str, values: list[Any], expected: object) -> None:
    columns = {"x": {"dtype": dtype}}

    frame = to_frame([{"x": value} for value in values], columns)

    table = pd.DataFrame({"x": expected}).astype({"x": dtype})
    pd.testing.assert_frame_equal(frame, table, check_categorical=False)
    again = to_frame(json.loads(json.dumps(to_records(frame, columns), allow_nan=False)), columns)
    pd.testing.assert_frame_equal(again, table, check_categorical=False)
