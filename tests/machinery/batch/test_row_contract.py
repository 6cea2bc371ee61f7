from collections.abc import Callable

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.batch.row_contract import RowContract
from lifecycle.core.config import Data
from lifecycle.core.errors import DataError

DATA = Data(raw="raw.csv", id="key", target="target")


def validate(values: list, *checks: pa.Check) -> list[str | None]:
    columns = {"months": pa.Column("float64", list(checks), nullable=True)}
    contract = RowContract(columns, {"months": np.dtype("float64")}, DATA, is_text=False)
    return contract.validate(pd.DataFrame({"months": values}))[1].tolist()


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (lambda values: values % 5 == 0, [None, "months: every fifth fails (6.0)", None]),
        (lambda values: False, ["months: every fifth fails (5.0)", "months: every fifth fails (6.0)", None]),
        (lambda values: True, [None, None, None]),
    ],
)
def test_a_check_fails_the_values_that_it_rejects_or_all_of_them_if_it_rejects_the_column(
    check: Callable[[pd.Series], object], expected: list[str | None]
) -> None:
    assert validate([5, 6, None], pa.Check(check, error="every fifth")) == expected


def test_a_check_of_a_whole_column_does_not_apply_to_rows() -> None:
    assert (
        validate([5, 6], pa.Check.unique_values_eq([7]), pa.Check.mean_between(min_value=7, max_value=8)) == [None] * 2
    )


def test_a_check_that_cannot_be_run_stops_the_run_and_is_named() -> None:
    with pytest.raises(DataError, match="column months: every fifth cannot be run: KeyError: 'unit'"):
        validate([5], pa.Check(lambda values: values["unit"], error="every fifth"))


@pytest.mark.parametrize(
    ("dtype", "settings", "is_text", "values", "expected", "wrong"),
    [
        ("boolean", {}, True, ["true", "", "false"], [True, None, False], []),
        ("boolean", {}, False, [True, None, False], [True, None, False], []),
        ("bool", {}, True, ["true", "", "x"], [True, False, False], [1, 2]),
        ("Int64", {}, True, [str(2**53 + 1), "NA"], [2**53 + 1, None], []),
        ("float64", {"csv": {"decimal": ","}}, True, ["1,5", "1.5", "NA"], [1.5, None, None], [1]),
        ("float64", {"csv": {"nulls": ["?"]}}, True, ["1.5", "?", "NA"], [1.5, None, None], [2]),
        ("str", {"csv": {"nulls": ["?"]}}, True, ["000123", "?", "NA"], ["000123", None, "NA"], []),
        ("float64", {"formats": {"a b": {"strip": "$", "thousands": ","}}}, False, ["$1,200", None, "1,5"], [1200.0, None, None], [2]),
        ("Int64", {"formats": {"a b": {"strip": "%"}}}, True, ["12%", "", "x"], [12, None, None], [2]),
        ("datetime64[ns]", {"formats": {"a b": "%d.%m.%Y"}}, True, ["31.12.2025", "31.02.2025"], [pd.Timestamp("2025-12-31"), None], [1]),
        ("datetime64[ns]", {"formats": {"a b": "%d.%m.%Y"}}, False, pd.to_datetime(["2025-12-31"]), [pd.Timestamp("2025-12-31")], []),
        ("datetime64[ns, UTC]", {}, True, ["2026-01-31T10:00:00+01:00"], [pd.Timestamp("2026-01-31T09:00:00Z")], []),
    ],
)  # fmt: skip
def test_texts_are_typed_as_the_pipeline_types_them(
    dtype: str, settings: dict, is_text: bool, values: list, expected: list, wrong: list[int]
) -> None:
    data = Data.checked({"raw": "raw.csv", "id": "key", "target": "target", **settings}, "params.yaml")
    columns = {"a b": pa.Column(dtype, nullable=True)}
    contract = RowContract(columns, {"a b": pd.api.types.pandas_dtype(dtype)}, data, is_text)

    rows, reasons = contract.validate(pd.DataFrame({"a b": values}))

    assert str(rows["a b"].dtype) == dtype
    assert rows["a b"].astype(object).where(rows["a b"].notna(), None).tolist() == expected
    assert [place for place, reason in enumerate(reasons) if reason] == wrong
