"""Rows of the prediction log with their labels: what retraining learns from."""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.core.times import Window
from lifecycle.prediction_log import reader
from lifecycle.prediction_log.labels import Labels, value

ROLES = ["production", "canary"]  # whose answers were used; a shadow's row is production's
ANSWER = ("label", "probability", "probabilities", "prediction")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)  # what a line may raise


@dataclass(frozen=True)
class Labelled:
    """A row that was answered, and its label."""

    request_id: str
    version: int
    answered: datetime.datetime
    labelled: datetime.datetime
    inputs: dict[str, Any]
    answer: dict[str, Any]
    label: Any


def labelled_rows(log: Path | str, window: Window) -> tuple[list[Labelled], int]:
    """Return the rows that production or a canary answered in a window and that have a label, and how many lines cannot be read.

    The earliest row comes first. The memory taken depends on the labels, not on the traffic.
    """
    labels = Labels(log, window)
    broken = labels.broken
    for block in reader.answers(log, window):
        broken += block.broken
        labels.add(block, block.rows["role"].isin(ROLES))
    rows = []
    for answer in labels.joined().to_dict("records"):
        try:
            line, label = json.loads(answer["line"]), value(answer["label"], answer["unquoted"])
            inputs = dict(line["inputs"].items())
        except UNREADABLE:
            broken += 1
            continue
        predicted = {name: line[name] for name in ANSWER if name in line}
        times = answer["time"].to_pydatetime(), answer["labelled"].to_pydatetime()
        rows.append(Labelled(answer["request_id"], int(answer["version"]), *times, inputs, predicted, label))
    return sorted(rows, key=lambda row: (row.answered, row.request_id)), broken
