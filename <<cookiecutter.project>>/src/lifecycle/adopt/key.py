"""Which column identifies a row, and which one says that several rows belong together."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.adopt.columns import Column
from lifecycle.core.errors import ConfigError, did_you_mean

KEY_NAME = re.compile(
    r"(^|[^a-z])(id|ids|key|uuid|guid|index|rownames?|row|no|nr|number|code|pk)$|^unnamed: 0$|^__index_level_0__$"
)
GROUP_NAME = re.compile(
    r"(^|[^a-z])(id|uuid|guid)$|^(customer|user|patient|subject|person|client|account|member|household|device|individual)$"
)
MADE = "row_id"
FEW_GROUPS = 20


@dataclass(frozen=True)
class Key:
    """How a row is identified."""

    id: str
    id_from: list[str]
    """The columns from whose values the id is made, if no column is one."""
    group: str | None
    """The column whose rows with one value stay together."""
    why: str


def choose(columns: dict[str, Column], target: str, wanted: str | None) -> Key:
    """Return the key of the table.

    Args:
        columns: of the table, by name.
        target: the column that is predicted.
        wanted: the column that the user names as id, if any.

    Raises ConfigError if there is no such column, it has nulls, or it is the target.
    """
    others = {name: column for name, column in columns.items() if name != target}
    if wanted is not None:
        return _wanted(others, wanted, target)
    keys = [name for name, column in others.items() if _is_key(column)]
    if keys:
        name = next((name for name in keys if KEY_NAME.search(_words(name))), keys[0])
        return Key(name, [], _group(others, name), "unique, without nulls, and named or shaped like a key")
    group = _group(others, None)
    return _made(others, target, group, "no column identifies a row")


def _wanted(columns: dict[str, Column], wanted: str, target: str) -> Key:
    if wanted not in columns:
        reason = "is the target" if wanted == target else f"is not a column{did_you_mean(wanted, columns)}"
        raise ConfigError(f"--id {wanted}: {reason}")
    column = columns[wanted]
    if column.nulls:
        raise ConfigError(
            f"--id {wanted}: {column.nulls:,} of its values are missing: fill them in, or leave --id out, and an id is made"
        )
    if column.kind in ("number", "date", "boolean"):
        raise ConfigError(f"--id {wanted}: is a {column.kind}: an id is a text or an integer")
    if _distinct(column) == len(column.values):
        return Key(wanted, [], None, "as --id says")
    return _made(
        columns,
        target,
        wanted,
        f"{wanted}, which --id names, has several rows for a value, so the split keeps those together",
    )


def _made(columns: dict[str, Column], target: str, group: str | None, why: str) -> Key:
    name = MADE
    while name in columns or name == target:
        name += "_"
    return Key(name, list(columns), group, f"{why}: made from the values of a row")


def numbers_of_rows(columns: dict[str, Column]) -> list[str]:
    """Return the columns that number the rows: a model would learn their order."""
    return [
        name
        for name, column in columns.items()
        if column.kind == "integer" and _is_key(column) and _has_shape_of_key(column)
    ]


def _is_key(column: Column) -> bool:
    if (
        column.nulls
        or column.kind not in ("integer", "text", "category")
        or column.form
        or _distinct(column) != len(column.values)
    ):
        return False
    return bool(KEY_NAME.search(_words(column.name))) or _has_shape_of_key(column)


def _has_shape_of_key(column: Column) -> bool:
    """Whether the values are the numbers of the rows in order, or texts of one shape with a digit in each."""
    if column.kind == "integer":
        first = column.values[0].as_py()
        return first in (0, 1) and bool(
            np.array_equal(column.values.to_numpy(), np.arange(first, first + len(column.values)))
        )
    texts = column.values.slice(0, 1000).cast(arrow.string())
    shapes = pc.unique(
        pc.replace_substring_regex(pc.replace_substring_regex(texts, r"[0-9a-f]*\d[0-9a-f]*", "0"), "[A-Za-z]+", "A")
    )
    return len(shapes) <= 5 and bool(pc.all(pc.match_substring_regex(texts, r"\d")).as_py())


def _group(columns: dict[str, Column], key: str | None) -> str | None:
    for name, column in columns.items():
        if name == key or column.nulls or column.kind not in ("integer", "text", "category") or column.form:
            continue
        distinct = _distinct(column)
        if GROUP_NAME.search(_words(name)) and FEW_GROUPS < distinct < len(column.values):
            return name
    return None


def _distinct(column: Column) -> int:
    return column.distinct if column.distinct is not None else int(pc.count_distinct(column.values).as_py())


def _words(name: str) -> str:
    """A column's name in lower case, its words apart: customerId → customer_id."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip()
