"""The traffic of a window, from the prediction log: read once, a block at a time, of which only samples are held in memory.

Samples are chosen by a hash of the row, so they depend neither on the order of rows and files nor on how often they
are drawn, and any number of rows takes as much memory as a few.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow

from lifecycle.core.reference import ACTUAL, INPUTS, log_schema
from lifecycle.core.times import Window
from lifecycle.monitoring.bottom_k_sample import BottomK, numbers
from lifecycle.prediction_log import reader
from lifecycle.prediction_log.labels import Labels
from lifecycle.prediction_log.refusals import Refusals, refusals

LABELS_READ = 10  # for each label that is used: some belong to rows of other windows


@dataclass(frozen=True)
class Watched:
    """The answers to monitor: those of one version in some roles, and the log they are in."""

    log: Path | str
    role: str
    """By which a report is named."""
    version: int
    schema: arrow.Schema
    """Of its reference."""
    roles: tuple[str, ...] = ()
    """In the log, if they are others than `role`."""

    @property
    def answered_as(self) -> tuple[str, ...]:
        """The roles whose rows count."""
        return self.roles or (self.role,)


@dataclass(frozen=True)
class Traffic:
    """What the log has of a version in a window."""

    rows: int
    sample: pd.DataFrame
    """Rows with the columns of the reference but `actual`."""
    labelled: pd.DataFrame
    """Rows whose label is known, with their answers and `actual`, as text."""
    other_versions: dict[int, int]
    """How many rows other versions answered in the same roles."""
    broken_lines: int
    refused: Refusals = field(default_factory=Refusals)
    """Rows that were not answered."""
    notes: list[str] = field(default_factory=list)
    """What cannot be said of the window, and why."""


def collect(watched: Watched, window: Window, rows: int, labels: int) -> Traffic:
    """Return the traffic of a window.

    Args:
        watched: whose answers.
        window: of the answers.
        rows: how many of them the sample holds at most.
        labels: how many rows with a label are returned at most.

    Raises ConfigError or OSError if the log cannot be read.
    """
    refused = refusals(watched.log, window, watched.answered_as, watched.version)
    known = Labels(watched.log, window, LABELS_READ * labels)
    fields = arrow.schema([*reader.HEAD, *log_schema(watched.schema)])
    sample = BottomK(rows)
    count, other_versions, broken = 0, Counter[int](), known.broken + refused.broken
    for block in reader.answers(watched.log, window):
        in_role = block.rows["role"].isin(watched.answered_as)
        of_version = in_role & (block.rows["version"] == watched.version)
        count += int(of_version.sum())
        other_versions.update(block.rows.loc[in_role & ~of_version, "version"].tolist())
        known.add(block, of_version)
        answers = block.rows[of_version]
        answers = answers[sample.takes(_numbers(answers))]
        table, places = reader.parse([block.lines[place] for place in answers.index], fields)
        sample.add(_numbers(answers.iloc[places]), table)
        broken += block.broken + len(answers) - len(places)
    return Traffic(
        count,
        _flat(sample.rows(fields)).reset_index(drop=True),
        _labelled(known.joined(), fields).head(labels),
        dict(sorted(other_versions.items())),
        broken,
        refused,
    )


def _numbers(answers: pd.DataFrame) -> np.ndarray:
    return numbers(answers["key"].to_numpy(), answers["time"].astype("int64").to_numpy())


def _labelled(answers: pd.DataFrame, fields: arrow.Schema) -> pd.DataFrame:
    """Answers with their label as `actual`."""
    table, places = reader.parse(answers["line"].tolist(), fields)
    rows = _flat(table)
    return rows.assign(**{ACTUAL: answers["label"].iloc[places].to_numpy()[rows.index]}).reset_index(drop=True)


def _flat(table: arrow.Table) -> pd.DataFrame:
    """What the reference has as well, a column each, what is infinite as missing; without rows that have no answer."""
    frame: pd.DataFrame = table.drop_columns(reader.HEAD.names).flatten().to_pandas()
    frame = frame.replace([np.inf, -np.inf], np.nan)
    return frame.dropna(subset=[name for name in frame if not str(name).startswith(INPUTS)])
