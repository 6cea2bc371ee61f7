import numpy as np
import pandas as pd
import pytest

from lifecycle.batch.coerce import coerce


@pytest.mark.parametrize(
    ("values", "dtype", "expected", "expected_invalid"),
    [
        (["3", "abc", "1.5", None], "int64", [3, 0, 0, 0], [False, True, True, False]),
        ([3.0, 1.5, None], "int64", [3, 0, 0], [False, True, False]),
        (["34.0", " 7.00", "1.5", "x", None], "int64", [34, 7, 0, 0, 0], [False, False, True, True, False]),
        (["-34.0", "9007199254740993.0"], "Int64", [-34, 9007199254740993], [False, False]),
        (["3", None], "Int64", [3, None], [False, False]),
        (pd.array([2**62 + 1, None], dtype="Int64"), "Int64", [2**62 + 1, None], [False, False]),
        (["NAN", "-nan", "1"], "float64", [None, None, 1.0], [True, True, False]),
        ([300, 3], "int8", [0, 3], [True, False]),
        (["1e3", "inf", "x"], "float64", [1000.0, None, None], [False, True, True]),
        ([1.0, np.inf], "float64", [1.0, None], [False, True]),
        (["true", "maybe"], "bool", [True, False], [False, True]),
        ([7, 8], "str", ["7", "8"], [False, False]),
    ],
)
def test_values_are_given_the_contracts_type_and_those_that_do_not_fit_are_marked(
    values: list, dtype: str, expected: list, expected_invalid: list[bool]
) -> None:
    coerced, invalid = coerce(pd.Series(values, name="column"), pd.api.types.pandas_dtype(dtype))

    assert str(coerced.dtype) == str(pd.api.types.pandas_dtype(dtype))
    assert [None if pd.isna(value) else value for value in coerced] == expected
    assert invalid.tolist() == expected_invalid


@pytest.mark.parametrize("source", ["object", "category", "str"])
def test_a_category_has_the_contracts_codes_whatever_the_file_had(source: str) -> None:
    dtype = pd.CategoricalDtype(pd.Index(["No", "Yes"], dtype=object))

    coerced, invalid = coerce(pd.Series(["Yes", "Perhaps", None, "No"], dtype=source), dtype)

    assert coerced.cat.codes.tolist() == [1, -1, -1, 0]
    assert invalid.tolist() == [False, True, False, False]


@pytest.mark.parametrize("values", [[1, 0, 2], [1.0, 0.0, None], ["1", "0", "1.0"]])
def test_a_whole_number_is_the_category_of_that_name_whatever_its_type(values: list) -> None:
    dtype = pd.CategoricalDtype(pd.Index(["0", "1"], dtype=object))

    assert coerce(pd.Series(values), dtype)[0].cat.codes.tolist() == [1, 0, -1]
