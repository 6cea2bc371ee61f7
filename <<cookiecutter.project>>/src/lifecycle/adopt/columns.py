"""What each column of the table is: its type in the contract, and whether a model can learn from it."""

from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.adopt.format_detection import MOMENT, date_format, number_format
from lifecycle.core.column_kinds import has_few_values, has_many_words
from lifecycle.core.config import NumberFormat
from lifecycle.core.errors import DataError
from lifecycle.core.value_formats import dates, numbers, parse

Kind = Literal["number", "integer", "boolean", "category", "text", "date", "empty"]

FEW = 50  # distinct texts of a column whose values are listed in the contract
MANY = 1000  # distinct texts of a column that are looked at
ALMOST = 0.05  # share of texts that are no numbers, up to which a column is said to be nearly one of numbers
UNSEEN = 0.001  # share of values that are there once: above it, new ones will come (Good, 1953)
EARLIEST, LATEST = 1678, 2261  # years that nanoseconds reach


@dataclass
class Column:
    """A column of the table."""

    name: str
    values: arrow.ChunkedArray
    """As the contract has them: number, boolean, timestamp, or dictionary of texts."""
    kind: Kind
    dtype: str
    """In the contract."""
    nulls: int
    distinct: int | None
    """None for floating-point numbers, which are not counted."""
    form: str | NumberFormat | None = None
    """How its texts are written, if they are not plain."""
    listed: bool = False
    """Whether the contract lists its values."""
    useless: str = ""
    """Why a model cannot learn from it."""
    note: str = ""

    @property
    def constant(self) -> bool:
        return self.nulls == 0 and self.distinct == 1


def describe(name: str, values: arrow.ChunkedArray, date: str | None = None) -> Column:
    """Return what a column is; `date` is the strptime format of its dates, if the user says so.

    Raises DataError if it holds an infinite number, or a text that is not in the format.
    """
    column = _in_format(name, values, date) if date else _describe(name, values)
    return replace(column, useless="constant") if column.constant else column


def _in_format(name: str, values: arrow.ChunkedArray, date: str) -> Column:
    typed = parse(name, values.cast(arrow.string()), date, MOMENT)
    return replace(_date(name, typed, date), note=f"dates written as {date}, as --date-format says")


def _describe(name: str, values: arrow.ChunkedArray) -> Column:
    kind, nulls = values.type, values.null_count
    if arrow.types.is_null(kind):
        values = values.cast(arrow.float64())
    if nulls == len(values):
        dtype = "float64" if _is_number(values.type) else "str"
        return Column(name, values, "empty", dtype, nulls, 0, useless="no value")
    if arrow.types.is_boolean(kind):
        return Column(name, values, "boolean", "boolean" if nulls else "bool", nulls, pc.count_distinct(values).as_py())
    if arrow.types.is_integer(kind):
        return _integer(name, values)
    if arrow.types.is_decimal(kind):
        return _float(name, values.cast(arrow.float64()))
    if arrow.types.is_floating(kind):
        return _float(name, values)
    if arrow.types.is_date(kind) or arrow.types.is_timestamp(kind):
        return _date(name, values)
    if arrow.types.is_dictionary(kind) or arrow.types.is_string(kind) or arrow.types.is_large_string(kind):
        return _text(name, values)
    return _text(name, values.cast(arrow.string()))


def _is_number(kind: arrow.DataType) -> bool:
    return bool(arrow.types.is_floating(kind) or arrow.types.is_integer(kind))


def _integer(name: str, values: arrow.ChunkedArray) -> Column:
    return Column(
        name,
        values,
        "integer",
        "Int64" if values.null_count else "int64",
        values.null_count,
        pc.count_distinct(values).as_py(),
    )


def _float(name: str, values: arrow.ChunkedArray) -> Column:
    values = (
        pc.if_else(pc.is_nan(values), arrow.scalar(None, values.type), values)
        if pc.any(pc.is_nan(values), min_count=0).as_py()
        else values
    )
    if infinite := pc.sum(pc.is_inf(values)).as_py():
        row = pc.index(pc.is_inf(values), True).as_py() + 1
        raise DataError(
            f"column {name}: {infinite:,} infinite values, the first in row {row:,}: replace them, or leave them empty"
        )
    if values.null_count == len(values):
        return Column(name, values, "empty", "float64", len(values), 0, useless="no value")
    bounds = pc.min_max(values).as_py()
    return Column(name, values, "number", "float64", values.null_count, 1 if bounds["min"] == bounds["max"] else None)


def _date(name: str, values: arrow.ChunkedArray, form: str | None = None) -> Column:
    zone = getattr(values.type, "tz", None)
    if arrow.types.is_date(values.type):
        values = values.cast(arrow.timestamp("s"))
    bounds = pc.min_max(values)
    years = [pc.year(bounds[end]).as_py() for end in ("min", "max")]
    if years[0] < EARLIEST or years[1] > LATEST:
        column = _text(name, values.cast(arrow.string()))
        return replace(column, note=f"dates between {years[0]} and {years[1]}, outside of what pandas holds, so text")
    dtype = f"datetime64[ns, {zone}]" if zone else "datetime64[ns]"
    return Column(name, values, "date", dtype, values.null_count, pc.count_distinct(values).as_py(), form)


def _text(name: str, values: arrow.ChunkedArray) -> Column:
    if arrow.types.is_dictionary(values.type):
        values = values.unify_dictionaries()
        distinct = values.chunk(0).dictionary.cast(arrow.string())
    else:
        values = values.cast(arrow.string())
        distinct = values
    if number := number_format(distinct):
        typed, _ = numbers(values.cast(arrow.string()), number, arrow.float64())
        written = number.strip + number.thousands or number.decimal
        return replace(_float(name, typed), form=number, note=f"numbers written with {written!r}")
    date, other = date_format(distinct)
    if date:
        typed, _ = dates(values, date, MOMENT)
        ambiguous = f"; {other} would fit as well: --date-format {name}={other}" if other else ""
        return replace(_date(name, typed, date), note=f"dates written as {date}{ambiguous}")
    return _words(name, values)


def _words(name: str, values: arrow.ChunkedArray) -> Column:
    """A category, if it has few values for its rows; else text, from which a model can learn if it has several words."""
    is_dictionary = arrow.types.is_dictionary(values.type)
    rows = len(values) - values.null_count
    count = len(values.chunk(0).dictionary) if is_dictionary else int(pc.count_distinct(values).as_py())
    column = Column(name, values, "text", "str", values.null_count, count)
    if not has_few_values(count, rows):
        distinct = pc.unique(values.slice(0, 100 * MANY).cast(arrow.string())).drop_null()
        is_free_text = has_many_words(distinct.slice(0, MANY).to_pylist())
        useless = "" if is_free_text else f"{count:,} different texts in {rows:,} rows"
        return replace(column, note=_nearly_numbers(distinct), useless=useless)
    if not is_dictionary:
        values = values.dictionary_encode().unify_dictionaries()
    distinct = values.chunk(0).dictionary
    column = replace(column, values=values, kind="category", note=_nearly_numbers(distinct))
    if count <= FEW and _unseen(values) <= UNSEEN:
        return replace(column, dtype="category", listed=True)
    return column


def _unseen(values: arrow.ChunkedArray) -> float:
    """The share of values that are there only once, an estimate of the probability that the next one is new."""
    counts = pc.value_counts(values.combine_chunks().indices.drop_null()).field("counts")
    once = pc.sum(pc.equal(counts, 1)).as_py() or 0
    return float(once / (len(values) - values.null_count))


def _nearly_numbers(distinct: arrow.Array) -> str:
    """A note if all but a few values are numbers."""
    plain = pc.match_substring_regex(distinct, r"^\s*[+-]?\d+([.,]\d+)?\s*$")
    others = distinct.filter(pc.invert(plain)).drop_null()
    if 0 < len(others) <= len(distinct) * ALMOST:
        first = ", ".join(repr(value) for value in others.slice(0, 3).to_pylist())
        return f"text, because {len(others):,} of its {len(distinct):,} values are no number ({first}): correct them, or list them in data.csv.nulls"
    return ""
