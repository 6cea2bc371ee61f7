"""A first contract.yaml for a table: what holds now, with room for what comes next."""

import json
import math
import re
from typing import Any

import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.adopt.columns import Column
from lifecycle.adopt.key import Key
from lifecycle.adopt.problem import Target

ROOM = 0.5  # of a column's range, left on either side
MIN_INTEGERS = 3  # integers, at least, left on either side
DEVIATIONS = 8  # standard errors of the mean of half the rows, left on either side of the mean
SPREAD = 0.25  # standard deviations, left as well: a month's table is no random sample of all
ROUNDING = 1e-9  # relative: less of a deviation may come from adding up
NULL_ROOM = 0.05  # by which the share of nulls may grow
HEAD = """\
# The data contract, in pandera's YAML. The stage `validate` checks every row against it, and no model is trained on data
# that breaks it. Each column has a dtype, `nullable` and `unique` (both false by default), and checks: any of pandera's
# (in_range, isin, str_matches, greater_than, ...); mean_between, unique_share_between and null_share_at_most; and your
# own from src/{package}/checks.py. This is a draft from {rows:,} rows: loosen what is accidental in them, and tighten what must
# never change. Ranges reach half of what was seen further on either side.

schema_type: dataframe
strict: true      # columns that are not listed here are refused

columns:
"""
RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", ""}
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*( [A-Za-z0-9_]+)*")


def draft(columns: dict[str, Column], key: Key | None, target: Target | None, package: str) -> str:
    """Return a contract.yaml for the columns of a table.

    Args:
        columns: by name.
        key: the table's key, whose values are unique; a made one is listed as well.
        target: whose type and values are those of the task.
        package: the import name of the user's package.
    """
    rows = len(next(iter(columns.values())).values)
    lines = [HEAD.format(package=package, rows=rows).rstrip("\n")]
    if key and key.id_from:
        lines += [
            f"  {quoted(key.id)}:",
            "    description: made from the values of the row, because no column identifies one",
            "    dtype: str",
            "    unique: true",
        ]
    for name, column in columns.items():
        rules = _target(column, target) if target and name == target.name else _rules(column, key)
        lines.append(f"  {quoted(name)}:")
        lines += [f"    {rule}: {_yaml(value)}" for rule, value in rules.items()]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """Return a text as YAML has it, in quotes unless it is plainly a text in YAML 1.1 and 1.2 alike."""
    plain = (
        PLAIN.fullmatch(text)
        and text.lower() not in RESERVED
        and not re.fullmatch(r"[\d_.]+(e\d+)?|0[xo].*", text.lower())
    )
    return text if plain else json.dumps(text, ensure_ascii=False)


def _target(column: Column, target: Target) -> dict[str, Any]:
    """Rows without a target are left out before the contract is checked."""
    if target.classes:
        return {"dtype": target.dtype, "isin": list(target.classes)}
    return {"dtype": target.dtype, **_range(column, target.dtype)}


def _rules(column: Column, key: Key | None) -> dict[str, Any]:
    if key and column.name == key.id:
        return {"dtype": "str" if column.kind in ("text", "category") else "int64", "unique": True}
    rules: dict[str, Any] = {"dtype": column.dtype}
    if column.nulls:
        rows = len(column.values)
        rules["nullable"] = True
        share = column.nulls / rows
        room = NULL_ROOM + DEVIATIONS * math.sqrt(share * (1 - share) / (rows / 2))
        if share + room < 1:
            rules["null_share_at_most"] = {"max_value": math.ceil((share + room) * 100) / 100}
    if column.kind == "empty":
        return rules
    if column.listed:
        values = column.values.unify_dictionaries().chunk(0).dictionary
        rules["isin"] = sorted(values.cast(arrow.string()).to_pylist())
    if column.kind in ("integer", "number"):
        rules |= _range(column, column.dtype) | _mean(column)
    return rules


def _range(column: Column, dtype: str) -> dict[str, Any]:
    """The range of the values, with room; in integers for integers, and not below zero if no value is."""
    bounds = pc.min_max(column.values).as_py()
    low, high = float(bounds["min"]), float(bounds["max"])
    if dtype.lower().startswith("int") and {low, high} <= {0.0, 1.0}:
        return {"isin": [0, 1]}
    room = max((high - low) * ROOM, MIN_INTEGERS if column.kind == "integer" else 0.0) or abs(high) * ROOM or 1.0
    least, most = _outwards(low - room, room, down=True), _outwards(high + room, room, down=False)
    least = max(least, 0.0) if low >= 0 else least
    most = min(most, 0.0) if high <= 0 else most
    if dtype.lower().startswith("int"):
        return {
            "in_range": {"min_value": max(math.floor(least), -(2**63)), "max_value": min(math.ceil(most), 2**63 - 1)}
        }
    return {"in_range": {"min_value": least, "max_value": most}}


def _outwards(bound: float, room: float, down: bool) -> float:
    """A bound with as many digits as its room needs two of, rounded away from the values."""
    digits = 1 - math.floor(math.log10(room))
    step = 10.0**-digits
    rounded = (math.floor if down else math.ceil)(bound / step) * step
    return round(rounded, max(digits, 0))


def _mean(column: Column) -> dict[str, Any]:
    """The mean, with room for another sample of half the size, and for a shift of a quarter of a standard deviation."""
    mean, deviation = pc.mean(column.values).as_py(), pc.stddev(column.values).as_py()
    rows = len(column.values) - column.nulls
    room = deviation * (SPREAD + DEVIATIONS / math.sqrt(max(rows / 2, 1)))
    if not math.isfinite(room) or room <= abs(mean) * ROUNDING:  # a constant
        return {}
    return {
        "mean_between": {
            "min_value": _outwards(mean - room, room, down=True),
            "max_value": _outwards(mean + room, room, down=False),
        }
    }


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_yaml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, float) and float(short := f"{value:.10g}") == value:
        return short
    return str(value)
