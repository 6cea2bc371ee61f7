"""The one function that scores rows of a table: both engines call it, with pandas frames of any length.

It runs beside the version's own code (see code.py), whose `scoring` and `contract` it asks.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.batch.coerce import NO_NULLS, NULLS, typed
from lifecycle.core import config, contract
from lifecycle.core.errors import DataError
from lifecycle.core.files import read_yaml
from lifecycle.core.scoring import Scoring

REASON, ROW = "reason", "row"
PROBABILITY, LABEL, PREDICTION = "probability", "label", "prediction"
_DTYPES = {"integer": "int64", "number": "float64"}
UNREADABLE = "\ufffd"  # what stands for bytes that are no UTF-8
RAGGED = "__ragged__"  # a column: the line of a CSV file that has too few or too many values


@dataclass
class Judged:
    """Rows that are scored, those that break the contract, and the number of those that were not asked for."""

    scores: pd.DataFrame
    bad: pd.DataFrame
    skipped: int


class Rows:
    """A version of the model, its contract row by row, and the rows that are asked for."""

    def __init__(self, folder: Path, active_since: tuple[str, str] | None = None, text: bool = False) -> None:
        """Load the version in a folder.

        Args:
            folder: its files.
            active_since: a column and a date; rows whose value is earlier are left out.
            text: whether rows come from a file of text, where null is spelt somehow.
        """
        self.text = text
        self.null = _without_texts_of_null if text else lambda values: values
        self.scoring = Scoring(folder)
        self.key = self.scoring.params.data.id
        self.active_since = active_since
        schema = contract.load(folder / config.CONTRACT, self.scoring.params.package)
        self.columns = {name: schema.columns[name] for name in dict.fromkeys([self.key, *self.scoring.columns])}
        listed = read_yaml(folder / config.CONTRACT)["columns"].get(self.key, {})
        self.kinds = {self.key: pd.api.types.pandas_dtype(str(listed.get("dtype", "str"))), **self.scoring.kinds}
        self.names = list(self.columns) + [name for name in (active_since or ())[:1] if name not in self.columns]

    def answers(self) -> dict[str, str]:
        """Return the columns of an answer, and whether each holds "text", "integer" or "number"."""
        label = "text"
        if self.scoring.params.task == "regression":
            return {PREDICTION: "number"}
        if np.asarray(self.scoring.model.classes_).dtype.kind in "iu":
            label = "integer"
        if self.scoring.params.task == "binary":
            return {PROBABILITY: "number", LABEL: label}
        names = [f"{PROBABILITY}_{name}" for name in self.scoring.model.classes_]
        return {**dict.fromkeys(names, "number"), LABEL: label}

    def judge(self, frame: pd.DataFrame, score: bool = True) -> Judged:
        """Score the rows that keep the contract, and say of the others why they do not.

        Args:
            frame: rows with the columns `names`, of any type; others are not looked at.
            score: whether to ask the model, or only to find the rows that break the contract.

        Raises DataError if the model's answer is no number, or a line of a CSV file has swallowed those after it.
        """
        frame = frame.reset_index(drop=True)
        rows, reasons = self._typed(frame)
        wanted = self._active(frame, reasons)
        good = wanted & pd.isna(reasons)
        kept = rows if good.all() else rows[good]
        scores = self._score(kept) if score and len(kept) else pd.DataFrame()
        bad = wanted & ~good
        return Judged(scores, self._quarantine(frame[bad], reasons[bad]), int((~wanted).sum()))

    def _typed(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """The rows with the contract's types, and the first reason against each, None if there is none."""
        columns: dict[str, Any] = {}
        reasons = np.full(len(frame), None, dtype=object)
        if RAGGED in frame and (ragged := frame[RAGGED].notna().to_numpy()).any():
            lines = frame.loc[ragged, RAGGED].str
            if lines.contains("\n").any():  # how many rows it has swallowed nobody knows
                first = lines.split("\n").str[0].iloc[int(lines.contains("\n").to_numpy().argmax())]
                raise DataError(f"a quote seems to be opened and not closed in the line {contract.shorten(first)}")
            reasons[ragged] = "too few or too many values in the line"
        for name, column in self.columns.items():
            given = self.null(frame[name])
            if self.text:
                _note(reasons, _unreadable(given), f"{name}: not UTF-8", given)
            values, wrong = typed(given, self.kinds[name])
            columns[name] = values
            listed = isinstance(self.kinds[name], pd.CategoricalDtype) and self.kinds[name].categories is not None
            unlike = "not among the contract's" if listed else f"not {column.dtype}"
            _note(reasons, wrong, f"{name}: {unlike}", given)
            missing = given.isna().to_numpy()
            if not column.nullable or str(column.dtype).startswith(NO_NULLS):
                _note(reasons, missing, f"{name}: missing")
            for check in column.checks:
                if check.name in contract.COLUMN_CHECKS or (listed and check.name == "isin"):
                    continue
                kept = check(values).check_output
                if isinstance(kept, pd.Series):  # pandera leaves nulls out
                    failing = ~kept.reindex(values.index, fill_value=True).to_numpy(dtype=bool) & ~missing & ~wrong
                    _note(reasons, failing, f"{name}: {check.error} fails", given)
        return pd.DataFrame(columns, copy=False), reasons

    def _active(self, frame: pd.DataFrame, reasons: np.ndarray) -> np.ndarray:
        if not self.active_since:
            return np.full(len(frame), True)
        name, date = self.active_since
        given = self.null(frame[name])
        times = pd.to_datetime(given, errors="coerce", utc=True, format=None if given.dtype.kind == "M" else "ISO8601")
        _note(reasons, times.isna().to_numpy(), f"{name}: not a date", given)
        return ~(times < pd.Timestamp(date, tz="UTC")).to_numpy(dtype=bool)

    def _score(self, rows: pd.DataFrame) -> pd.DataFrame:
        predictions = self.scoring.score(rows[list(self.scoring.columns)])
        scores: dict[str, Any] = {self.key: rows[self.key].array}
        for name, kind in self.answers().items():
            values = predictions[PREDICTION if name == LABEL else name]
            scores[name] = _texts(values) if kind == "text" else values.to_numpy(dtype=_DTYPES[kind])
        return pd.DataFrame(scores, copy=False)

    def _quarantine(self, frame: pd.DataFrame, reasons: np.ndarray) -> pd.DataFrame:
        names = [name for name in self.names if name in frame]
        columns = [_plain(self.null(frame[name])) for name in names]
        rows = [
            json.dumps({name: value for name, value in zip(names, row, strict=True) if value is not None})
            for row in zip(*columns, strict=True)
        ]
        keys = [None if value is None else str(value) for value in _plain(self.null(frame[self.key]))]
        if RAGGED in frame:
            for place, line in enumerate(frame[RAGGED]):
                if not pd.isna(line):
                    keys[place], rows[place] = None, str(line)
        content = {self.key: keys, REASON: list(reasons), ROW: rows}
        return pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in content.items()})


def _texts(labels: pd.Series) -> np.ndarray:
    names = np.array([str(name) for name in labels.cat.categories], dtype=object)
    return names[labels.cat.codes.to_numpy()]


def _note(reasons: np.ndarray, rows: np.ndarray, text: str, values: pd.Series | None = None) -> None:
    """Give rows a reason, unless they have one."""
    for place in np.flatnonzero(rows):
        if reasons[place] is None:
            shown = f" ({contract.shorten(values.iloc[place])})" if values is not None else ""
            reasons[place] = f"{text}{shown}"


def _unreadable(values: pd.Series) -> np.ndarray:
    """Which texts hold what stands for bytes that are no UTF-8: what was there is lost."""
    texts = arrow.array(values, from_pandas=True)
    if not arrow.types.is_string(texts.type) and not arrow.types.is_large_string(texts.type):
        return np.zeros(len(values), dtype=bool)
    return pc.match_substring(texts, UNREADABLE).fill_null(False).to_numpy(zero_copy_only=False)


def _without_texts_of_null(values: pd.Series) -> pd.Series:
    """A column in which the texts that stand for null in a file are null; a column of another type as it is."""
    if not (values.dtype == object or isinstance(values.dtype, pd.StringDtype)):
        return values
    texts = arrow.array(values, from_pandas=True)
    if not arrow.types.is_string(texts.type) and not arrow.types.is_large_string(texts.type):
        return values
    null = pc.is_in(texts, value_set=NULLS.cast(texts.type)).to_numpy(zero_copy_only=False)
    return values.mask(null, None) if null.any() else values


def _plain(values: pd.Series) -> list[Any]:
    """Values as JSON has them, the same whichever engine read them."""
    found = [None if pd.isna(value) else value for value in values.tolist()]
    found = [int(value) if isinstance(value, float) and value.is_integer() else value for value in found]
    return [value if value is None or isinstance(value, int | float | str) else str(value) for value in found]
