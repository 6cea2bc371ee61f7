"""The rows that a version scored in batch in a window: the scores, with the inputs and labels that other tables have of them.

A row belongs to the window that the midnight (UTC) of its date belongs to, the date of `score --as-of`. Scores are read a batch at a time, and
sampled like the prediction log.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as arrow

from lifecycle.core.errors import ConfigError
from lifecycle.core.reference import ACTUAL, INPUTS, logged
from lifecycle.core.times import Window
from lifecycle.monitoring.bottom_k_sample import BottomK, numbers
from lifecycle.monitoring.joined_rows import texts
from lifecycle.monitoring.scored_table import VERSION, ScoredTable
from lifecycle.monitoring.table_files import TableFile
from lifecycle.monitoring.traffic import LABELS_READ, Traffic
from lifecycle.prediction_log import reader

ID, DATE = "id", "date"


def collect(watched: ScoredTable, window: Window, rows: int, labels: int) -> Traffic:
    """Return what was scored in a window; the arguments are those of `traffic.collect`.

    Raises ConfigError or OSError if a table cannot be read, and DataError if a value of another table is not of the contract's type.
    """
    files = watched.files(window)
    dates = frozenset(str(file.date) for file in files)
    source = watched.table_of_labels(dates) if labels else None
    known = source.labels(LABELS_READ * labels) if source else pd.Series(dtype=object)
    sample, labelled = BottomK(rows), _Labelled(known, bool(source and source.is_dated))
    count, other_versions = 0, Counter[int]()
    for file in files:
        midnight = pd.Timestamp(str(file.date)).value
        for scores in _batches(watched, file):
            of_version = scores[scores[VERSION] == watched.version]
            count += len(of_version)
            other_versions.update(scores.loc[scores[VERSION] != watched.version, VERSION].tolist())
            places = numbers(reader.keys(of_version[ID]), np.full(len(of_version), midnight))
            if (taken := sample.takes(places)).any():
                sample.add(places[taken], arrow.Table.from_pandas(of_version[taken], preserve_index=False))
            labelled.add(of_version)
    sampled = sample.rows(arrow.schema([])).to_pandas() if count and rows else pd.DataFrame()
    compared, notes = _with_inputs(watched, sampled, dates)
    if labels and source is None:
        notes.append("no performance, as no table has labels: --labels names one with the id and the target")
    return Traffic(
        rows=count,
        sample=_as_reference(compared, [name for name in watched.schema.names if name != ACTUAL], watched),
        labelled=_as_reference(labelled.rows().head(labels), [*watched.answers.values(), ACTUAL], watched),
        other_versions=dict(sorted(other_versions.items())),
        broken_lines=0,
        refused=watched.quarantined(window),
        notes=notes,
    )


class _Labelled:
    """The scores that have a label; the last of an id, unless the labels are of its date."""

    def __init__(self, labels: pd.Series, is_dated: bool) -> None:
        self._labels, self._is_dated = labels, is_dated
        self._found: list[pd.DataFrame] = []

    def add(self, scores: pd.DataFrame) -> None:
        ids = joined_ids(scores, self._is_dated)
        known = ids.isin(self._labels.index)
        if known.any():
            self._found.append(scores[known].assign(**{ACTUAL: self._labels.loc[ids[known]].to_numpy()}))

    def rows(self) -> pd.DataFrame:
        """Return them in the order of a hash of their id, so that the first are a sample of all."""
        if not self._found:
            return pd.DataFrame()
        rows = pd.concat(self._found, ignore_index=True)
        rows = rows[~rows.duplicated([ID, DATE], keep=False)]  # nobody can tell which of them is labelled
        if not self._is_dated:
            rows = rows.drop_duplicates(ID, keep="last")  # files are read in the order of dates
        return rows.iloc[np.argsort(reader.keys(rows[ID]), kind="stable")]


def joined_ids(scores: pd.DataFrame, is_dated: bool) -> pd.Series:
    """Return with what scores are joined with another table, as `joined_rows.joining` makes it."""
    return scores[ID] + "\n" + scores[DATE] if is_dated else scores[ID]


def _batches(watched: ScoredTable, file: TableFile) -> Iterator[pd.DataFrame]:
    """The scores in a file: ID, DATE, VERSION, and the answers as the reference has them."""
    columns, present = [watched.data.id, *watched.answers, VERSION], file.columns(watched.data.csv)
    if missing := next((name for name in columns if name not in present), None):
        raise ConfigError(
            f"{file.path}: has no column {missing}: version {watched.version} has not scored it with `score`"
        )
    for batch in file.batches(columns, watched.data.csv):
        scores = batch.select([*watched.answers, VERSION]).to_pandas().rename(columns=watched.answers)
        yield scores.assign(**{ID: texts(batch[watched.data.id]).to_pandas().astype(object), DATE: file.date})


def _with_inputs(watched: ScoredTable, sampled: pd.DataFrame, dates: frozenset[str]) -> tuple[pd.DataFrame, list[str]]:
    """The sample with the inputs of its rows, without rows that have none; and what is to be said of that."""
    if not watched.inputs:
        return sampled, [
            f"not compared, as scores have no inputs (--input names the table that was scored): {', '.join(watched.left_out)}"
        ]
    if sampled.empty or watched.input is None:
        return sampled, []
    table = watched.table(watched.input, "--input", dates)
    ids = joined_ids(sampled, table.is_dated)
    rows = table.rows(ids.unique(), watched.inputs)
    has_inputs = ids.isin(rows.index)
    if not has_inputs.any():
        raise ConfigError(
            f"--input {watched.input}: has none of the {len(sampled):,} rows of {watched.scores} that were sampled, by {watched.data.id}: "
            "name the table that was scored"
        )
    frame = rows.loc[ids[has_inputs]]
    inputs = {f"{INPUTS}{name}": logged(frame[name]) for name in watched.inputs}
    joined = arrow.table(inputs).to_pandas().join(sampled[has_inputs].reset_index(drop=True))
    missing = int((~has_inputs).sum())
    note = f"{missing:,} of the {len(sampled):,} rows that were sampled are not compared: their id has no row in {watched.input}, or several"
    return joined, [note] if missing else []


def _as_reference(rows: pd.DataFrame, columns: list[str], watched: ScoredTable) -> pd.DataFrame:
    """The columns that the reference has as well, what is infinite as missing; without rows that have no answer."""
    if rows.empty:
        none: pd.DataFrame = arrow.schema([watched.schema.field(name) for name in columns]).empty_table().to_pandas()
        return none
    rows = rows[columns].replace([np.inf, -np.inf], np.nan)
    return rows.dropna(subset=list(watched.answers.values())).reset_index(drop=True)
