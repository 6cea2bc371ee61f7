from collections.abc import Callable

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.batch.row_contract import RowContract
from lifecycle.core.errors import DataError


def validate(values: list, *checks: pa.Check) -> list[str | None]:
    columns = {"months": pa.Column("float64", list(checks), nullable=True)}
    contract = RowContract(columns, {"months": np.dtype("float64")}, is_text=False)
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
