"""Everything that is decided about a table, and why."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as arrow

from lifecycle.adopt import columns as columns_of
from lifecycle.adopt import key as keys
from lifecycle.adopt import leaks, model_settings, raw_file, splits
from lifecycle.adopt import target as targets
from lifecycle.adopt.columns import Column
from lifecycle.adopt.key import Key
from lifecycle.adopt.raw_file import RawFile
from lifecycle.adopt.target import Target
from lifecycle.core.config import NumberFormat, TimeSplit
from lifecycle.core.errors import ConfigError, DataError, did_you_mean

SAMPLE = 50_000  # rows that suffice to compare columns
SHOWN = 6  # columns of a kind that are named


@dataclass
class Options:
    """What the user decides instead."""

    target: str
    id: str | None = None
    task: str | None = None
    positive: str | None = None
    time: str | None = None
    gap_days: int = 0
    keep: list[str] = field(default_factory=list)
    """Columns that the model is given though they would be left out."""


@dataclass
class Plan:
    """What is decided, each with a line that says why."""

    file: RawFile
    columns: dict[str, Column]
    target: Target
    key: Key
    exclude: dict[str, str]
    """By column that the model is not given: why."""
    time: TimeSplit | None
    estimator: tuple[str, dict[str, Any]]
    slices: list[str]
    decisions: list[tuple[str, str]]
    """What it is about, and what was decided."""

    @property
    def inputs(self) -> list[str]:
        return [name for name in self.columns if name not in (self.key.id, self.target.name, *self.exclude)]

    @property
    def formats(self) -> dict[str, str | NumberFormat]:
        return {name: column.form for name, column in self.columns.items() if column.form is not None}


def decide(path: Path, options: Options, seed: int) -> Plan:
    """Return what is decided about a table, as the user says or by its content.

    Raises ConfigError for a file or column that does not exist; DataError if nothing can be learned from the table.
    """
    file = raw_file.read(path)
    names = list(file.columns)
    for option, wanted in (("--target", options.target), *(("--keep", name) for name in options.keep)):
        if wanted not in names:
            raise ConfigError(f"{option} {wanted}: is not a column of {path}{did_you_mean(wanted, names)}; it has {_some(names)}")
    columns = {name: columns_of.describe(name, values) for name, values in file.columns.items()}
    target = targets.decide(columns[options.target], options.task, options.positive)
    if file.csv and columns[target.name].kind == "number" and target.dtype == "int64":
        columns[target.name].form = columns[target.name].form or NumberFormat(decimal=file.csv.decimal)  # written as 1.0
    key = keys.choose(columns, target.name, options.id)
    labelled = columns[target.name].values.is_valid()
    inputs = {name: column for name, column in columns.items() if name not in (target.name, key.id)}
    time, why_split = splits.time_split(inputs, labelled, options.time, options.gap_days)
    exclude = _exclude(inputs, key, time)
    remaining = [column for name, column in inputs.items() if name not in exclude or name in options.keep]
    scores, doubles = _compare(remaining, columns[target.name], target, seed)
    exclude |= {name: f"a copy of {original}" for name, original in doubles.items()}
    exclude |= {name: f"gives the target away: alone it predicts it with a score of {score:.3f}" for name, score in scores.items() if score >= leaks.LEAK}
    kept = {name: exclude.pop(name) for name in options.keep if name in exclude}
    given = [column for column in inputs.values() if column.name not in exclude]
    if not given:
        raise DataError(f"{path}: no column is left to predict {target.name} from: {'; '.join(f'{name}: {why}' for name, why in exclude.items())}")
    rows = file.rows - target.unlabelled
    estimator, settings, why_estimator = model_settings.estimator(rows, len(given))
    plan = Plan(file, columns, target, key, exclude, time, (estimator, settings), model_settings.slices(given, file.rows), [])
    plan.decisions = _decisions(plan, why_split, why_estimator, scores, kept)
    return plan


def _exclude(inputs: dict[str, Column], key: Key, time: TimeSplit | None) -> dict[str, str]:
    """The columns that no model can learn from, or must not."""
    exclude = {name: column.useless for name, column in inputs.items() if column.useless}
    exclude |= {name: "numbers the rows" for name in keys.numbers_of_rows(inputs)}
    if key.group:
        exclude[key.group] = "says which rows belong together"
    if time:
        exclude[time.column] = "the time that rows are split by: later rows have values that no model has seen"
    return exclude


def _compare(inputs: list[Column], target: Column, decided: Target, seed: int) -> tuple[dict[str, float], dict[str, str]]:
    """How well each column alone predicts the target, and which are copies of another, in a seeded sample of the rows with a target."""
    rows = np.flatnonzero(target.values.is_valid().to_numpy())
    rows = np.sort(np.random.default_rng(seed).permutation(rows)[:SAMPLE])
    sample = pd.DataFrame({column.name: _numbers(column.values, rows) for column in inputs}, copy=False)
    actual = pd.Series(_numbers(target.values, rows))
    scores = leaks.single_column_scores(sample, actual, decided.task, seed)
    return scores, leaks.copies(sample)


def _numbers(values: arrow.ChunkedArray, rows: np.ndarray) -> np.ndarray:
    """Some values of a column as float64; categories and dates as numbers."""
    values = values.take(arrow.array(rows))
    if arrow.types.is_dictionary(values.type):
        values = arrow.chunked_array([chunk.indices for chunk in values.unify_dictionaries().chunks])
    elif arrow.types.is_string(values.type):
        values = arrow.chunked_array([values.combine_chunks().dictionary_encode().indices])
    elif arrow.types.is_timestamp(values.type):
        values = values.cast(arrow.int64())
    return values.cast(arrow.float64(), safe=False).to_numpy()


def _decisions(plan: Plan, why_split: str, why_estimator: str, scores: dict[str, float], kept: dict[str, str]) -> list[tuple[str, str]]:
    file, target, key = plan.file, plan.target, plan.key
    lines = [("file", f"{file.path}: {file.rows:,} rows × {len(file.columns)} columns{_dialect(file)}")]
    lines += [("text", note) for note in file.notes]
    lines += [("target", f"{target.name}: {target.task}, {target.why}")]
    lines += [("", f"{target.unlabelled:,} rows without a value are left out of training")] if target.unlabelled else []
    lines += [("warning", warning) for warning in target.warnings]
    lines += [("id", f"{key.id}: {key.why}")]
    lines += [("split", (f"by time: validation from {plan.time.validation_from}, test from {plan.time.test_from}; " if plan.time else "") + why_split)]
    lines += [("", f"rows with one {key.group} stay on one side")] if key.group and not plan.time else []
    dates = [name for name in plan.inputs if plan.columns[name].kind == "date" and not plan.columns[name].nulls]
    lines += [("", f"to train on the past and test on what follows, give --time {dates[0]}")] if dates and not plan.time else []
    lines += [("format", f"{name}: {column.note}") for name, column in plan.columns.items() if column.note]
    lines += [("left out", f"{name}: {why}") for name, why in plan.exclude.items()]
    lines += [("warning", f"{name}: kept as --keep says, though it is {why}") for name, why in kept.items()]
    lines += [
        ("warning", f"{name}: alone it predicts the target with a score of {score:.3f}; is it known when the prediction is made?")
        for name, score in scores.items() if leaks.HIGH <= score < leaks.LEAK
    ]  # fmt: skip
    kinds: dict[str, list[str]] = {}
    for name in plan.inputs:
        kinds.setdefault(plan.columns[name].kind, []).append(name)
    lines += [("inputs", f"{len(names)} {kind}: {_some(names)}") for kind, names in kinds.items()]
    lines += [("slices", ", ".join(plan.slices) or "none: no column has a few values with enough test rows each")]
    lines += [("model", f"{plan.estimator[0]}: {why_estimator}")]
    return lines


def _dialect(file: RawFile) -> str:
    if not file.csv:
        return "" if file.path.suffix else " in Parquet parts"
    name = {"\t": "tab", " ": "blank"}.get(file.csv.separator, file.csv.separator)
    decimal = ", decimal comma" if file.csv.decimal == "," else ""
    nulls = [repr(word) for word in file.csv.nulls or () if word not in raw_file.NULLS]
    return f"; separator {name}, {file.csv.encoding}{decimal}" + (f", {' '.join(nulls)} is missing" if nulls else "")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
