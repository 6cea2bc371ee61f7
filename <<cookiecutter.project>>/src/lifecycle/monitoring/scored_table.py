"""A table that `score` wrote: whose rows are monitored, and how its columns are called in a reference."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandera.pandas as pa
import pyarrow as arrow

from lifecycle.core.config import Data
from lifecycle.core.errors import ConfigError
from lifecycle.core.reference import ACTUAL, INPUTS, PROBABILITIES
from lifecycle.core.times import Window, moment
from lifecycle.monitoring.joined_rows import Table
from lifecycle.monitoring.table_files import TableFile, table_files
from lifecycle.prediction_log.refusals import Mistake, Refusals

QUARANTINE = "_quarantine"
VERSION, REASON = "model_version", "reason"


@dataclass(frozen=True)
class ScoredTable:
    """A table of scores to monitor, and the tables that have the inputs and the labels of its rows."""

    scores: str
    input: str | None
    labels: str | None
    """None: those of the input, if it has the target."""
    role: str
    version: int
    schema: arrow.Schema
    """Of its reference."""
    data: Data
    """Of the version: the key and the target, and how a file is written."""
    contract: pa.DataFrameSchema
    left_out: tuple[str, ...] = ()
    """The inputs that are not in `schema`, because there is no `input`."""

    @property
    def log(self) -> str:
        return self.scores

    @property
    def inputs(self) -> list[str]:
        """The inputs of the model."""
        return [name.removeprefix(INPUTS) for name in self.schema.names if name.startswith(INPUTS)]

    @property
    def answers(self) -> dict[str, str]:
        """The columns of a score, and their names in the reference."""
        names = [name for name in self.schema.names if not name.startswith(INPUTS) and name != ACTUAL]
        return {name.replace(PROBABILITIES, "probability_", 1): name for name in names}

    def table(self, path: str, option: str, dates: frozenset[str]) -> Table:
        """Return a table to look rows up in, of these dates."""
        return Table(path, option, self.data, self.contract, dates)

    def table_of_labels(self, dates: frozenset[str]) -> Table | None:
        """Return the table that has labels; None if there is none."""
        if self.labels is not None:
            return self.table(self.labels, "--labels", dates)
        scored = self.table(self.input, "--input", dates) if self.input is not None else None
        return scored if scored and scored.has(self.data.target) else None

    def files(self, window: Window) -> list[TableFile]:
        """Return the files of the dates that begin in a window. Raises ConfigError if `score` did not write the table."""
        files = table_files(self.scores, "--scores")
        if not any(file.date for file in files):
            raise ConfigError(f"--scores {self.scores}: has no folder date=...: name the folder that `score` writes to")
        return list(_begun_in(window, files))

    def quarantined(self, window: Window) -> Refusals:
        """Return the rows that were not scored because they break the contract, and why."""
        refused = Refusals()
        for file in _begun_in(window, table_files(self.scores, "--scores", QUARANTINE)):
            for batch in file.batches([VERSION, REASON], self.data.csv):
                rows = batch.to_pandas()
                reasons = rows.loc[rows[VERSION] == self.version, REASON].map(_mistake)
                refused.rows += len(reasons)
                refused.mistakes.update(reasons)
        return refused


def _begun_in(window: Window, files: list[TableFile]) -> Iterator[TableFile]:
    return (file for file in files if file.date and window.since <= moment(file.date) < window.until)


def _mistake(reason: str) -> Mistake:
    """Column and rule of a reason, without the value at its end."""
    column, colon, rest = reason.partition(": ")
    if not colon:
        return Mistake("", reason, "")
    rule = rest.partition(" fails (")[0] if " fails (" in rest else rest.partition(" (")[0]
    return Mistake(column, rule, "")
