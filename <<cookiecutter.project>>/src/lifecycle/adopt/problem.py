"""What kind of problem the target is, and which of its values is the positive class."""

import re
from dataclasses import dataclass, field
from typing import Any

import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.adopt.columns import Column
from lifecycle.core.errors import ConfigError, DataError

POSITIVE = {"1", "1.0", "true", "t", "yes", "y", "positive", "pos", "bad", "default", "defaulted", "fraud", "died", "dead", "malignant", "spam", "failure", "fail"}  # fmt: skip
FEW_NUMBERS = 10  # different integers of a target that is taken for classes
FEW_ROWS = 10  # of a class
MIN_ROWS = 30


@dataclass
class Target:
    """The target, and how it is predicted."""

    name: str
    task: str
    positive: str | int | bool | None
    dtype: str
    """In the contract."""
    unlabelled: int
    """Rows without a value."""
    classes: dict[Any, int]
    """By class: its rows; empty for a regression."""
    why: str
    warnings: list[str] = field(default_factory=list)


RESERVED = re.compile(r"prediction|probability(_.*)?")
"""Names of columns of the predictions."""


def decide(column: Column, task: str | None, positive: str | None) -> Target:
    """Return what kind of problem a target is.

    Args:
        column: the target.
        task: binary, multiclass or regression, as the user says; None to decide.
        positive: the positive class, as the user says; None to decide.

    Raises DataError if it has too few values or classes; ConfigError if it does not suit the task or has no such class.
    """
    if RESERVED.fullmatch(column.name):
        raise ConfigError(f"column {column.name}: predictions have a column of this name: rename the target")
    rows = len(column.values) - column.nulls
    if rows < MIN_ROWS:
        raise DataError(
            f"column {column.name}: has a value in {rows:,} of the rows; at least {MIN_ROWS} are needed to train and test a model"
        )
    values = _integral(column.values)
    number = arrow.types.is_integer(values.type) or arrow.types.is_floating(values.type)
    distinct = int(pc.count_distinct(values, mode="only_valid").as_py())
    if distinct < 2:
        raise DataError(
            f"column {column.name}: has one value, {values.drop_null()[0].as_py()!r}: there is nothing to predict"
        )
    if column.kind == "date":
        raise DataError(f"column {column.name}: is a date: a target is a class or a number")
    chosen, why = (task, "as --task says") if task else _task(values.type, number, distinct)
    if chosen == "regression":
        if not number:
            raise ConfigError(f"column {column.name}: is a {column.kind}, not a number: leave --task regression out")
        dtype = "int64" if column.kind == "integer" else "float64"
        return Target(column.name, chosen, None, dtype, column.nulls, {}, why)
    counts = sorted(pc.value_counts(values.drop_null()).to_pylist(), key=lambda count: str(count["values"]))
    classes = {count["values"]: int(count["counts"]) for count in counts}
    _check_classes(column.name, chosen, classes, rows, arrow.types.is_floating(values.type))
    dtype = "bool" if arrow.types.is_boolean(values.type) else "int64" if number else "category"
    target = Target(column.name, chosen, None, dtype, column.nulls, classes, why)
    if chosen == "binary":
        target.positive, how = _positive(column.name, classes, positive)
        target.why = f"{why}; {target.positive} is positive ({how}), {classes[target.positive] / rows:.1%} of the rows"
    target.warnings = [
        f"class {name} has {count} rows: too few to learn it, or to measure how well"
        for name, count in classes.items()
        if count < FEW_ROWS
    ]
    return target


def _integral(values: arrow.ChunkedArray) -> arrow.ChunkedArray:
    """Values as integers if all are: 1.0 becomes 1."""
    if arrow.types.is_dictionary(values.type):
        return values.cast(arrow.string())
    if arrow.types.is_floating(values.type):
        try:
            return values.cast(arrow.int64())
        except arrow.ArrowInvalid:
            return values
    return values


def _task(kind: arrow.DataType, number: bool, distinct: int) -> tuple[str, str]:
    if distinct == 2 and not arrow.types.is_floating(kind):
        return "binary", "two values"
    if not number:
        return "multiclass", f"{distinct} classes"
    if arrow.types.is_integer(kind) and distinct <= FEW_NUMBERS:
        return (
            "multiclass",
            f"{distinct} different integers, taken for classes: give --task regression to predict a number",
        )
    return "regression", "numbers"


def _check_classes(name: str, task: str, classes: dict[Any, int], rows: int, floating: bool) -> None:
    if task == "binary" and len(classes) != 2:
        raise ConfigError(
            f"column {name}: has {len(classes):,} values, so it is not binary: leave --task out, or make two of them"
        )
    if task == "multiclass" and (len(classes) < 3 or len(classes) > max(rows**0.5, 3) or floating):
        raise DataError(
            f"column {name}: {len(classes):,} different values in {rows:,} rows are not the classes of a multiclass task: 3 to "
            f"{max(rows**0.5, 3):.0f} can be told apart"
        )


def _positive(name: str, classes: dict[Any, int], wanted: str | None) -> tuple[Any, str]:
    if wanted is not None:
        for value in classes:
            if str(value).lower() == wanted.lower():
                return value, "as --positive says"
        raise ConfigError(f"--positive {wanted}: column {name} has the values {' and '.join(map(str, classes))}")
    usual = [value for value in classes if str(value).strip().lower() in POSITIVE]
    if len(usual) == 1:
        return usual[0], "by its name"
    return min(classes, key=lambda value: classes[value]), "the rarer one: give --positive for the other"
