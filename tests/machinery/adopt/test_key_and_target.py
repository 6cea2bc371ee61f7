"""The key, the kind of problem and the positive class, each with its reason."""

from typing import Any

import pyarrow as arrow
import pytest

from lifecycle.adopt import key, problem
from lifecycle.adopt.columns import Column, describe
from lifecycle.core.errors import ConfigError, DataError

ROWS = 100
X = [place % 7 / 2 for place in range(ROWS)]
Y = ["yes", "no"] * (ROWS // 2)


def columns(**values: Any) -> dict[str, Column]:
    return {name: describe(name, arrow.chunked_array([arrow.array(content)])) for name, content in values.items()}


KEYS = {
    "named and unique": ({"x": X, "loan_id": [f"a{place * 7}" for place in range(ROWS)]}, ("loan_id", None)),
    "the numbers of the rows": ({"x": X, "first": list(range(ROWS))}, ("first", None)),
    "texts of one shape": ({"x": X, "ref": [f"AB-{place:05}" for place in range(ROWS)]}, ("ref", None)),
    "none, so it is made": ({"x": X, "amount": [place * 3 for place in range(ROWS)]}, ("row_id", None)),
    "rows of one customer": (
        {"x": X, "customerId": [place // 3 + 500 for place in range(ROWS)]},
        ("row_id", "customerId"),
    ),
    "a key and customers": (
        {"id": list(range(1, ROWS + 1)), "patient": [f"p{place // 2}" for place in range(ROWS)]},
        ("id", "patient"),
    ),
    "a key with a null": ({"x": X, "id": [None, *range(1, ROWS)]}, ("row_id", None)),
}


@pytest.mark.parametrize(("table", "expected"), KEYS.values(), ids=KEYS)
def test_the_key_is_what_identifies_a_row(table: dict[str, Any], expected: tuple[str, str | None]) -> None:
    chosen = key.choose(columns(**table, y=Y), "y", None)

    assert (chosen.id, chosen.group) == expected
    assert chosen.id_from == (list(table) if chosen.id == "row_id" else [])


def test_an_id_that_repeats_groups_the_rows() -> None:
    table = columns(shop=[place // 5 for place in range(ROWS)], x=X, y=Y)

    chosen = key.choose(table, "y", "shop")

    assert (chosen.id, chosen.group) == ("row_id", "shop")
    assert "several rows for a value" in chosen.why


@pytest.mark.parametrize(
    ("wanted", "message"),
    [("shopp", "did you mean shop"), ("y", "is the target"), ("x", "is a number"), ("gap", "values are missing")],
)
def test_an_id_that_cannot_be_one_is_one_line(wanted: str, message: str) -> None:
    table = columns(shop=[place // 5 for place in range(ROWS)], x=X, gap=[None, *Y[1:]], y=Y)

    with pytest.raises(ConfigError, match=message):
        key.choose(table, "y", wanted)


TARGETS = {
    "yes and no": (Y, "binary", "yes", "category"),
    "zeros and ones": ([0, 1, 1, 1] * 25, "binary", 1, "int64"),
    "ones as floats": ([0.0, 1.0] * 50, "binary", 1, "int64"),
    "booleans": ([True, False, False, False] * 25, "binary", True, "bool"),
    "words of which the rarer is positive": (["stay", "stay", "stay", "leave"] * 25, "binary", "leave", "category"),
    "three words": (["a", "b", "c", "a"] * 25, "multiclass", None, "category"),
    "few integers": ([3, 4, 5, 6] * 25, "multiclass", None, "int64"),
    "counts": ([place * 7 % 60 for place in range(ROWS)], "regression", None, "int64"),
    "numbers": (X, "regression", None, "float64"),
}


@pytest.mark.parametrize(("values", "task", "positive", "dtype"), TARGETS.values(), ids=TARGETS)
def test_the_task_follows_from_the_target(values: list[Any], task: str, positive: Any, dtype: str) -> None:
    decided = problem.decide(columns(y=values)["y"], None, None)

    assert (decided.task, decided.dtype) == (task, dtype)
    assert decided.positive == positive
    assert type(decided.positive) is type(positive)


def test_what_the_user_says_counts() -> None:
    assert problem.decide(columns(y=[3, 4, 5, 6] * 25)["y"], "regression", None).task == "regression"
    assert problem.decide(columns(y=Y)["y"], None, "NO").positive == "no"


def test_rows_without_a_target_are_counted_and_a_small_class_is_named() -> None:
    decided = problem.decide(columns(y=["a"] * 50 + ["b"] * 45 + ["c"] * 3 + [None] * 2)["y"], None, None)

    assert decided.unlabelled == 2
    assert decided.warnings == ["class c has 3 rows: too few to learn it, or to measure how well"]


BAD = {
    "one class": (["a"] * ROWS, None, "there is nothing to predict"),
    "no value": ([None] * ROWS, None, "has a value in 0 of the rows"),
    "a few rows": (["a", "b"] * 5, None, "at least 30 are needed"),
    "as many classes as rows": ([f"text {place}" for place in range(ROWS)], None, "are not the classes"),
    "texts as a number": (Y, "regression", "not a number"),
    "three classes as two": (["a", "b", "c", "a"] * 25, "binary", "not binary"),
}


@pytest.mark.parametrize(("values", "task", "message"), BAD.values(), ids=BAD)
def test_a_target_that_cannot_be_predicted_is_one_line(values: list[Any], task: str | None, message: str) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        problem.decide(columns(y=values)["y"], task, None)


def test_a_positive_class_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ConfigError, match="has the values no and yes"):
        problem.decide(columns(y=Y)["y"], None, "maybe")
