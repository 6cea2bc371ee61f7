"""Which label belongs to which answer: the one definition, for everything that joins them.

- A label belongs to an answer of the same id, unless it is older than the answer: then it was meant for another row. The
  clocks of two servers may differ by SKEW.
- Of several labels of an id the last one counts, also if it came in after the window. Of several answers of an id in the window,
  the last one that the label belongs to counts.
- An id under which different inputs were answered in the window, by whichever version, has no label: nobody can tell whose it is.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.core.times import Window, now
from lifecycle.prediction_log import reader
from lifecycle.prediction_log.reader import Block
from lifecycle.prediction_log.writer import SKEW

ANSWER = ["key", "request_id", "time", "version", "line"]
LABEL = ["labelled", "label", "unquoted"]
WHOLE_NUMBER = re.compile(r"^(-?\d+)\.0+$")
PENDING = 50_000  # answers that may wait until the last of each id is taken


class Labels:
    """The labels of a log from the beginning of a window until now, and the answers that they belong to."""

    def __init__(self, log: Path | str, window: Window, most: int | None = None) -> None:
        """Read the labels; at most `most` of them, chosen by a hash of their id, so by neither order nor value."""
        self.broken = 0
        self._labels = self._read(log, window, most)
        self._inputs: dict[int, int] = {}
        self._reused: set[int] = set()
        self._answers: list[pd.DataFrame] = []
        self._last = 0  # answers that were left when the last of each id was taken

    def add(self, block: Block, counted: pd.Series) -> None:
        """Add the answers of a block; `counted` says which of block.rows are looked at.

        The others are read for their inputs: they show that an id was used for different rows.
        """
        if self._labels.empty:
            return
        known = self._labels.index.to_numpy()
        places = np.searchsorted(known, block.rows["key"].to_numpy()).clip(max=len(known) - 1)
        rows = block.rows[known[places] == block.rows["key"].to_numpy()]
        lines = [block.lines[place] for place in rows.index]
        for key, line in zip(rows["key"], lines, strict=True):
            inputs = _hash_of_inputs(line)
            if inputs is not None and self._inputs.setdefault(key, inputs) != inputs:
                self._reused.add(key)
        self._answers.append(rows.assign(line=lines)[counted.loc[rows.index]])
        if sum(map(len, self._answers)) > self._last + max(PENDING, self._last):
            self._answers = [self._take_last()[ANSWER]]
            self._last = len(self._answers[0])

    def joined(self) -> pd.DataFrame:
        """Return a row for each answer with a label, by `key`.

        Columns: `key`, `request_id`, `time`, `version` and `line` of the answer; `labelled`, `label` as text and `unquoted`.
        """
        answers = self._take_last()
        return answers[~answers["key"].isin(self._reused)].reset_index(drop=True)

    def _take_last(self) -> pd.DataFrame:
        """The last answer of each id that its label belongs to, with the label."""
        if not self._answers:
            return pd.DataFrame({name: [] for name in [*ANSWER, *LABEL]}, dtype=object)
        answers = pd.concat([rows[ANSWER] for rows in self._answers], ignore_index=True)
        labels = self._labels.loc[answers["key"]].set_axis(answers.index)
        answers = answers.join(labels)
        answers = answers[answers["labelled"] >= answers["time"] - SKEW]
        return answers.sort_values(["key", "time"], kind="stable").drop_duplicates("key", keep="last")

    def _read(self, log: Path | str, window: Window, most: int | None) -> pd.DataFrame:
        """The last label of each id, by its key: `labelled`, `label` and `unquoted`."""
        last = pd.DataFrame({name: [] for name in ["key", *LABEL]})
        bound = np.uint64(2**64 - 1)
        for rows, broken in reader.feedback(log, Window(window.since - SKEW, now() + SKEW)):
            self.broken += broken
            rows = rows.rename(columns={"time": "labelled"})[["key", *LABEL]]
            rows = rows[rows["key"] <= bound]
            last = pd.concat([last, rows]) if len(last) else rows
            last = last.sort_values("labelled", kind="stable").drop_duplicates("key", keep="last")
            if most is not None and len(last) > most:
                last = last.nsmallest(most, "key")
                bound = last["key"].max()
        return last.astype({"key": "uint64"}).sort_values("key").set_index("key")


def value(label: str, unquoted: bool) -> Any:
    """Return a label as it is in JSON: a text, a number or a boolean."""
    return json.loads(label.lower()) if unquoted else label


def class_names(labels: pd.Series) -> pd.Series:
    """Return labels, as text, by one name for each class: a whole number may be written as 1 or as 1.0."""
    return labels.map(class_name, na_action="ignore").astype(object)


def class_name(label: Any) -> str:
    return WHOLE_NUMBER.sub(r"\1", str(label))


def _hash_of_inputs(line: bytes) -> int | None:
    """The same number for the same inputs, in whatever order they are and whether a whole number is written as 1 or 1.0."""
    try:
        inputs = json.loads(line, parse_float=_number)["inputs"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return hash(json.dumps(inputs, sort_keys=True))


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number
