"""What a column is follows from its values."""

import datetime
from typing import Any

import pandas as pd
import pyarrow as arrow
import pytest

from lifecycle.adopt.columns import describe
from lifecycle.core.config import NumberFormat
from lifecycle.core.errors import DataError

DAY = datetime.datetime(2025, 1, 31)


def column(values: list[Any], kind: Any = None) -> Any:
    return describe("x", arrow.chunked_array([arrow.array(values, type=kind)]))


TYPES = {
    "integers": ([1, 2, 3], None, "integer", "int64"),
    "integers with a null": ([1, None, 3], None, "integer", "Int64"),
    "numbers": ([0.5, 2.0], None, "number", "float64"),
    "booleans": ([True, False], None, "boolean", "bool"),
    "booleans with a null": ([True, None, False], None, "boolean", "boolean"),
    "decimals": ([1, 2], arrow.decimal128(10, 2), "number", "float64"),
    "days": ([DAY.date(), DAY.date() + datetime.timedelta(1)], arrow.date32(), "date", "datetime64[ns]"),
    "moments with a zone": ([DAY, DAY + datetime.timedelta(1)], arrow.timestamp("us", "UTC"), "date", "datetime64[ns, UTC]"),
    "times": ([datetime.time(8), datetime.time(9)] * 9, arrow.time64("us"), "category", "category"),
    "few texts": (["a", "b"] * 20, None, "category", "category"),
    "few texts, some of which are there once": (["a", "b"] * 20 + ["c"], None, "category", "str"),
    "more digits than an integer has": ([f"1{number:021}" for number in range(400)], None, "text", "str"),
    "many texts": ([f"text {number}" for number in range(400)], None, "text", "str"),
    "nothing": ([None, None], None, "empty", "float64"),
}  # fmt: skip


@pytest.mark.parametrize(("values", "kind", "expected", "dtype"), TYPES.values(), ids=TYPES)
def test_a_column_has_the_type_of_its_values(values: list[Any], kind: Any, expected: str, dtype: str) -> None:
    described = column(values, kind)

    assert (described.kind, described.dtype) == (expected, dtype)


NUMBERS = {
    "dollars": (["$1,200", "$3", "$1,000,000"], NumberFormat(strip="$", thousands=","), [1200, 3, 1_000_000]),
    "per cent": (["12%", "7.5%", "0%"], NumberFormat(strip="%"), [12, 7.5, 0]),
    "thousands": (["3,100.58", "12.00", "1,000"], NumberFormat(thousands=","), [3100.58, 12, 1000]),
    "a decimal comma": (["3.100,58", "12,00"], NumberFormat(thousands=".", decimal=","), [3100.58, 12]),
    "blanks": (["1 200", "3"], NumberFormat(thousands=" ", decimal=","), [1200, 3]),
    "euros behind": (["12 €", "7,5 €"], NumberFormat(strip="€", decimal=","), [12, 7.5]),
}


@pytest.mark.parametrize(("texts", "form", "values"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_that_are_written_as_text_are_numbers(
    texts: list[str], form: NumberFormat, values: list[float]
) -> None:
    described = column(texts)

    assert described.form == form
    assert described.values.to_pylist() == values


@pytest.mark.parametrize(
    "texts", [["$1,200", "a lot"], ["12%", "half"], ["1,20,0", "3"], ["00,100", "1"], ["1.2.3", "4"]]
)
def test_a_column_is_text_if_one_value_is_no_number(texts: list[str]) -> None:
    assert column(texts).form is None


DATES = {
    "%d.%m.%Y": "31.12.2025",
    "%m/%d/%Y": "12/31/2025",
    "%d/%m/%Y": "31/12/2025",
    "%Y/%m/%d": "2025/12/31",
    "%d-%b-%Y": "31-Dec-2025",
    "%b %d, %Y": "Dec 31, 2025",
    "%d.%m.%Y %H:%M": "31.12.2025 00:00",
    "%m/%d/%Y %I:%M:%S %p": "12/31/2025 12:00:00 AM",
}


@pytest.mark.parametrize(("form", "text"), DATES.items())
def test_dates_are_read_in_the_format_that_fits_all(form: str, text: str) -> None:
    described = column([text, pd.Timestamp("2025-01-02").strftime(form)])

    assert described.form == form
    assert described.kind == "date"
    assert described.values[0].as_py() == datetime.datetime(2025, 12, 31)


def test_a_date_that_can_be_read_in_two_ways_is_said() -> None:
    assert "%d/%m/%Y would fit as well: --date-format x=%d/%m/%Y" in column(["01/02/2025", "03/04/2025"]).note


def test_of_two_readings_the_one_with_the_more_even_dates_is_taken() -> None:
    months = [f"01/{month:02}/{year}" for year in (2000, 2001, 2002) for month in range(1, 13)]

    assert column(months).form == "%d/%m/%Y"
    assert describe("x", arrow.chunked_array([arrow.array(months)]), "%m/%d/%Y").form == "%m/%d/%Y"
    with pytest.raises(DataError, match="not datetime"):
        describe("x", arrow.chunked_array([arrow.array(["31/12/2025"])]), "%m/%d/%Y")


def test_what_a_model_cannot_learn_from_is_said() -> None:
    assert column([7, 7, 7]).useless == "constant"
    assert column([None, None]).useless == "no value"
    assert "different texts" in column([f"text {number}" for number in range(400)]).useless
    assert column([7, 7, None]).useless == ""


def test_texts_of_several_words_are_an_input() -> None:
    described = column([f"a story about number {number}" for number in range(400)])

    assert (described.kind, described.dtype, described.useless) == ("text", "str", "")


def test_many_values_with_many_rows_each_are_a_category() -> None:
    described = column([f"shop {number % 1500}" for number in range(30_000)])

    assert (described.kind, described.dtype, described.useless) == ("category", "str", "")


def test_a_text_among_numbers_is_named() -> None:
    described = column([*(str(number) for number in range(49)), "a lot"])

    assert described.dtype == "str"
    assert "'a lot'" in described.note


def test_infinity_is_refused_with_its_row() -> None:
    with pytest.raises(DataError, match=r"column x: 1 infinite values, the first in row 2: replace"):
        column([1.0, float("inf"), 2.0])
