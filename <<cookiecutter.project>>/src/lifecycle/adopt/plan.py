"""Everything that is decided about a table, and why."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as arrow

from lifecycle.adopt import columns as columns_of
from lifecycle.adopt import key as keys
from lifecycle.adopt import leaks, model_settings, problem, raw_file, splits
from lifecycle.adopt.columns import Column
from lifecycle.adopt.explanation import explain, some
from lifecycle.adopt.key import Key
from lifecycle.adopt.problem import Target
from lifecycle.adopt.raw_file import RawFile
from lifecycle.core.config import NumberFormat
from lifecycle.core.errors import ConfigError, DataError, did_you_mean
from lifecycle.core.time_settings import TimeSplit

SAMPLE = 50_000  # rows that suffice to compare columns


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
    exclude: list[str] = field(default_factory=list)
    """Columns that it is not given."""
    formats: dict[str, str] = field(default_factory=dict)
    """By column: the strptime format of its dates."""


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
    with ThreadPoolExecutor(1) as executor:
        executor.submit(import_module, "sklearn.tree")  # takes a second, while Arrow reads
        file = raw_file.read(path)
    _check_names(options, list(file.columns), path)
    columns = {
        name: columns_of.describe(name, values, options.formats.get(name)) for name, values in file.columns.items()
    }
    target = problem.decide(columns[options.target], options.task, options.positive)
    if file.csv and columns[target.name].kind == "number" and target.dtype == "int64":
        written_as_1_0 = NumberFormat(decimal=file.csv.decimal)
        columns[target.name].form = columns[target.name].form or written_as_1_0
    key = keys.choose(columns, target.name, options.id)
    labelled = columns[target.name].values.is_valid()
    inputs = {name: column for name, column in columns.items() if name not in (target.name, key.id)}
    time, why_split = splits.time_split(inputs, labelled, options.time, options.gap_days)
    exclude = _exclude(inputs, key, time) | dict.fromkeys(options.exclude, "as --exclude says")
    remaining = [column for name, column in inputs.items() if name not in exclude or name in options.keep]
    # Texts have no order, and hardly any repeats.
    comparable = [column for column in remaining if column.kind != "text"]
    scores, doubles = _compare(comparable, columns[target.name], target, seed)
    exclude |= {name: f"a copy of {original}" for name, original in doubles.items()}
    exclude |= {
        name: f"gives the target away: alone it predicts it with a score of {score:.3f}"
        for name, score in scores.items()
        if score >= leaks.LEAK
    }
    kept_anyway = {name: exclude.pop(name) for name in options.keep if name in exclude}
    given = [column for column in inputs.values() if column.name not in exclude]
    if not given:
        raise DataError(
            f"{path}: no column is left to predict {target.name} from: {'; '.join(f'{name}: {why}' for name, why in exclude.items())}"
        )
    rows = file.rows - target.unlabelled
    estimator, settings, why_estimator = model_settings.estimator(rows, len(given), target.task)
    plan = Plan(
        file, columns, target, key, exclude, time, (estimator, settings), model_settings.slices(given, file.rows), []
    )
    plan.decisions = explain(plan, why_split, why_estimator, scores, kept_anyway)
    return plan


def _check_names(options: Options, names: list[str], path: Path) -> None:
    """Raise ConfigError if an option names a column that the table does not have."""
    of_options = {"--target": [options.target], "--keep": options.keep, "--exclude": options.exclude}
    of_options["--date-format"] = list(options.formats)
    for option, wanted in ((option, name) for option, columns in of_options.items() for name in columns):
        if wanted not in names:
            hint = did_you_mean(wanted, names)
            raise ConfigError(f"{option} {wanted}: is not a column of {path}{hint}; it has {some(names)}")


def _exclude(inputs: dict[str, Column], key: Key, time: TimeSplit | None) -> dict[str, str]:
    """The columns that no model can learn from, or must not."""
    exclude = {name: column.useless for name, column in inputs.items() if column.useless}
    exclude |= {name: "numbers the rows" for name in keys.numbers_of_rows(inputs)}
    if key.group:
        exclude[key.group] = "says which rows belong together"
    if time:
        exclude[time.column] = "the time that rows are split by: later rows have values that no model has seen"
    return exclude


def _compare(
    inputs: list[Column], target: Column, decided: Target, seed: int
) -> tuple[dict[str, float], dict[str, str]]:
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
    numbers: np.ndarray = values.cast(arrow.float64(), safe=False).to_numpy()
    return numbers
