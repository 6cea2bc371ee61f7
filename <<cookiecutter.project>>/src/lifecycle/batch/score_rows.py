"""The one class that scores rows of a table: both engines call it, with pandas frames of any length.

It runs with the version's own code (see overlay.py), whose `scoring` and `contract` it imports.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.batch.job import Job
from lifecycle.batch.output import NOTHING_WRITTEN
from lifecycle.batch.row_contract import RAGGED, RowContract, note
from lifecycle.core import config, contract
from lifecycle.core.content_key import row_keys
from lifecycle.core.errors import DataError, ProjectError
from lifecycle.core.files import read_yaml
from lifecycle.core.records import kind_of
from lifecycle.core.scoring import Scoring
from lifecycle.core.version_files import TOLERANCE

REASON, ROW = "reason", "row"
PROBABILITY, LABEL, PREDICTION = "probability", "label", "prediction"
_DTYPES = {"integer": "int64", "number": "float64"}


@dataclass
class ScoredBatch:
    """The scores of a batch, its rows that break the contract with their reasons, and the number of rows skipped."""

    scores: pd.DataFrame
    quarantine: pd.DataFrame
    skipped: int


class VersionError(DataError):
    """A version does not load, or does not give the predictions that it was logged with."""


def loaded(job: Job, is_text: bool) -> "RowScorer":
    """Return the scorer of a job's version, once the version has given the predictions of `evaluate` for its known rows.

    It is loaded once, however many dates a process scores. Raises VersionError if it does not load or gives others.

    Args:
        job: names the version.
        is_text: whether rows come from a text file.
    """
    return _loaded(f"version {job.version} ({job.alias})", Path(job.version_folder), job.active_since, is_text)


@cache
def _loaded(version: str, folder: Path, active_since: tuple[str, str] | None, is_text: bool) -> "RowScorer":
    try:
        scorer = RowScorer(folder, active_since, is_text)
        _, difference = scorer.scoring.known()
    except ProjectError as error:
        raise VersionError(f"{version} cannot be loaded: {error}; {NOTHING_WRITTEN}") from error
    except Exception as error:  # of the version's own code, of any kind
        reason = f"{type(error).__name__}: {error}"
        raise VersionError(f"{version} cannot be loaded: {reason}; {NOTHING_WRITTEN}") from error
    if not difference <= TOLERANCE:
        raise VersionError(
            f"{version} does not reproduce the predictions of evaluate: they differ by up to {difference:.3g}; {NOTHING_WRITTEN}"
        )
    return scorer


class RowScorer:
    """A version of the model with its contract, and the rows that are to be scored."""

    def __init__(self, folder: Path, active_since: tuple[str, str] | None = None, is_text: bool = False) -> None:
        """Load the version in a folder.

        Args:
            folder: its files.
            active_since: a column and a date; rows with an earlier value are skipped.
            is_text: whether rows come from a text file, in which null has a spelling.
        """
        self.scoring = Scoring(folder)
        data = self.scoring.params.data
        self.key = data.id
        self.active_since = active_since
        schema = contract.load(folder / config.CONTRACT, self.scoring.params.package)
        specified = read_yaml(folder / config.CONTRACT)["columns"]
        own_key = [] if data.id_from else [self.key]
        columns = {name: schema.columns[name] for name in dict.fromkeys([*own_key, *self.scoring.columns])}
        self.dtypes = {self.key: kind_of(specified.get(self.key, {"dtype": "str"})), **self.scoring.kinds}
        self.contract = RowContract(columns, self.dtypes, data, is_text)
        self.columns = list(dict.fromkeys([*columns, *(active_since or ())[:1]]))
        # Columns that only the id is made from; where a table has none, they count as null.
        only_for_key = {name: schema.columns[name] for name in data.id_from if name not in columns}
        kinds = {name: kind_of(specified[name]) for name in only_for_key}
        self._only_for_key = RowContract(only_for_key, kinds, data, is_text)
        self.optional_columns = [name for name in only_for_key if name not in self.columns]

    def output_columns(self) -> dict[str, str]:
        """Return the columns of a prediction, and whether each holds "text", "integer" or "number"."""
        label = "text"
        if self.scoring.params.task == "regression":
            return {PREDICTION: "number"}
        if np.asarray(self.scoring.model.classes_).dtype.kind in "iu":
            label = "integer"
        if self.scoring.params.task == "binary":
            return {PROBABILITY: "number", LABEL: label}
        names = [f"{PROBABILITY}_{name}" for name in self.scoring.model.classes_]
        return {**dict.fromkeys(names, "number"), LABEL: label}

    def score(self, frame: pd.DataFrame, predict: bool = True) -> ScoredBatch:
        """Score the rows that meet the contract, and give the reason why the others do not.

        Args:
            frame: rows with `columns`, of any type; further columns are ignored.
            predict: whether to score rows, or only to find those that break the contract.

        Raises DataError if a prediction is not a finite number, a check cannot be run, or a line of a CSV file has
        swallowed those after it.
        """
        frame = frame.reset_index(drop=True)
        rows, reasons = self.contract.validate(frame)
        if self.scoring.params.data.id_from:
            rows[self.key] = frame[self.key] = self._made_keys(frame, rows)
        active = self._active(frame, reasons)
        valid = active & pd.isna(reasons)
        rows = rows if valid.all() else rows[valid]
        scores = self._predict(rows) if predict and len(rows) else pd.DataFrame()
        invalid = active & ~valid
        return ScoredBatch(scores, self._quarantine(frame[invalid], reasons[invalid]), int((~active).sum()))

    def _made_keys(self, frame: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
        """The ids of rows, made from their values; rows with equal values have one id, for they have equal scores."""
        values = dict(rows.items())
        for name in self._only_for_key.columns:
            if name in frame:
                values[name], _ = self._only_for_key.typed(name, self._only_for_key.without_null_spellings(frame[name]))
        return row_keys(pd.DataFrame(values, copy=False), self.scoring.params.data.id_from)

    def _active(self, frame: pd.DataFrame, reasons: np.ndarray) -> np.ndarray:
        if not self.active_since:
            return np.full(len(frame), True)
        name, date = self.active_since
        values = self.contract.without_null_spellings(frame[name])
        own_form = self.scoring.params.data.formats.get(name)
        form = None if values.dtype.kind == "M" else own_form if isinstance(own_form, str) else "ISO8601"
        times = pd.to_datetime(values, errors="coerce", utc=True, format=form)
        note(reasons, times.isna().to_numpy(), f"{name}: not a date", values)
        return ~(times < pd.Timestamp(date, tz="UTC")).to_numpy(dtype=bool)

    def _predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        predictions = self.scoring.score(rows[list(self.scoring.columns)])
        scores: dict[str, Any] = {self.key: rows[self.key].array}
        for name, kind in self.output_columns().items():
            values = predictions[PREDICTION if name == LABEL else name]
            scores[name] = _label_texts(values) if kind == "text" else values.to_numpy(dtype=_DTYPES[kind])
        return pd.DataFrame(scores, copy=False)

    def _quarantine(self, frame: pd.DataFrame, reasons: np.ndarray) -> pd.DataFrame:
        names = [name for name in dict.fromkeys([self.key, *self.columns]) if name in frame]
        columns = {name: _json_values(self.contract.without_null_spellings(frame[name])) for name in names}
        rows = [
            json.dumps({name: value for name, value in zip(names, row, strict=True) if value is not None})
            for row in zip(*columns.values(), strict=True)
        ]
        keys = [None if value is None else str(value) for value in columns[self.key]]
        if RAGGED in frame:
            for position, line in enumerate(frame[RAGGED]):
                if not pd.isna(line):
                    keys[position], rows[position] = None, str(line)
        content = {self.key: keys, REASON: list(reasons), ROW: rows}
        return pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in content.items()})


def _label_texts(labels: pd.Series) -> np.ndarray:
    names = np.array([str(name) for name in labels.cat.categories], dtype=object)
    return names[labels.cat.codes.to_numpy()]


def _json_values(values: pd.Series) -> list[Any]:
    """Return values as JSON has them, the same whichever engine read them."""
    plain = [None if pd.isna(value) else value for value in values.tolist()]
    plain = [int(value) if isinstance(value, float) and value.is_integer() else value for value in plain]
    return [value if value is None or isinstance(value, int | float | str) else str(value) for value in plain]
