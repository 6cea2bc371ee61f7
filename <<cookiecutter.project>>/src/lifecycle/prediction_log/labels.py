"""Rows of the prediction log whose label has come in: what retraining learns from."""

import datetime
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.core.times import now
from lifecycle.prediction_log import reader as log_reader
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS, SKEW

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)  # what a line may raise
ANSWERED = {"production", "canary"}  # the roles whose answers somebody got; a shadow's row is production's, again
REQUEST_ID = re.compile(rb'"request_id": ?"([^"\\]*)"')  # the first in a line: the log writes it before the inputs


@dataclass(frozen=True)
class Labelled:
    """A row that was answered, and what has become of it."""

    request_id: str
    version: int
    answered: datetime.datetime
    labelled: datetime.datetime
    inputs: dict[str, Any]
    answer: dict[str, Any]
    label: Any


def labelled_rows(
    log: Path | str, since: datetime.datetime | None = None, until: datetime.datetime | None = None
) -> tuple[list[Labelled], int]:
    """Return the labelled rows that were answered in a window, the earliest first, and how many lines cannot be read.

    A label may have come in at any time, also after the window; of several for one row the last counts. One that is older than
    the answer was meant for another row, and an id under which different rows were answered has no label that anybody could
    know: neither is returned. Only lines of labelled rows are parsed, so that the memory taken depends on the labels, not on the traffic.
    """
    labels, broken = _labels(log)
    rows: dict[str, Labelled] = {}
    reused = set[str]()
    for file in log_reader.files(log, PREDICTIONS, since, until):
        with file as lines:
            for line in lines:
                found = REQUEST_ID.search(line)
                if found and found[1].decode(errors="replace") not in labels:
                    continue
                try:
                    row = _row(json.loads(line), labels)
                except UNREADABLE:
                    broken += 1
                    continue
                if row is None or (since and row.answered < since) or (until and row.answered > until):
                    continue
                other = rows.get(row.request_id, row)
                if other.inputs != row.inputs:
                    reused.add(row.request_id)
                rows[row.request_id] = max(other, row, key=lambda one: one.answered)
    kept = [row for name, row in rows.items() if name not in reused]
    return sorted(kept, key=lambda row: (row.answered, row.request_id)), broken


def _row(line: dict[str, Any], labels: dict[str, tuple[datetime.datetime, Any]]) -> Labelled | None:
    request_id, answered = line["request_id"], _moment(line["time"])
    if line["role"] not in ANSWERED or request_id not in labels:
        return None
    if not isinstance(line["inputs"], dict):
        raise TypeError
    labelled, label = labels[request_id]
    if labelled < answered - SKEW:
        return None
    answer: dict[str, Any] = {
        name: line[name] for name in ("label", "probability", "probabilities", "prediction") if name in line
    }
    return Labelled(request_id, int(line["version"]), answered, labelled, line["inputs"], answer, label)


def _labels(log: Path | str) -> tuple[dict[str, tuple[datetime.datetime, Any]], int]:
    """The last label of every row that has one, with its time; and how many lines cannot be read."""
    labels: dict[str, tuple[datetime.datetime, Any]] = {}
    broken = 0
    for file in log_reader.files(log, FEEDBACK):
        with file as lines:
            for line in lines:
                try:
                    said = json.loads(line)
                    moment, request_id = _moment(said["time"]), str(said["request_id"])
                    if request_id not in labels or labels[request_id][0] <= moment:
                        labels[request_id] = moment, said["label"]
                except UNREADABLE:
                    broken += 1
    return labels, broken


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    if moment > now() + SKEW:
        raise ValueError(f"{text} is not yet")
    return moment.astimezone(datetime.UTC)
