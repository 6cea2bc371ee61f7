"""Lines of an invented log, and what the readers make of them."""

import datetime
import json
from pathlib import Path
from typing import Any

from lifecycle.core.times import Window
from lifecycle.prediction_log import reader
from lifecycle.prediction_log.compaction import MARGIN
from lifecycle.prediction_log.labelled_rows import labelled_rows
from lifecycle.prediction_log.refusals import refusals
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS, REFUSED

DAY = datetime.timedelta(days=1)
MIDNIGHT = datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)
OVER = MIDNIGHT + DAY + MARGIN
ALWAYS = Window(MIDNIGHT - 30 * DAY, MIDNIGHT + 30 * DAY)
KINDS = (PREDICTIONS, FEEDBACK, REFUSED)


def answer(number: int, **more: Any) -> bytes:
    moment = (MIDNIGHT + datetime.timedelta(seconds=number % 3)).isoformat(timespec="milliseconds")
    row = {"time": moment, "version": 3, "role": "production", "request_id": f"r{number}", "milliseconds": 1.5}
    row |= {"inputs": {"x": number, "y": number / 7}, "label": "Yes", "probability": 0.25} | more
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def label(number: int, value: Any = "No") -> bytes:
    moment = (MIDNIGHT + datetime.timedelta(minutes=5, seconds=number)).isoformat(timespec="milliseconds")
    return json.dumps({"time": moment, "request_id": f"r{number}", "label": value}).encode() + b"\n"


def refusal(number: int) -> bytes:
    row = {"time": MIDNIGHT.isoformat(), "role": "production", "version": 3, "request_id": f"r{number}", "rows": 2}
    return json.dumps(row | {"mistakes": [{"column": "x", "rule": "missing", "value": "missing"}]}).encode() + b"\n"


def everything(log: Path | str) -> dict[str, Any]:
    """What the readers make of a log."""
    blocks = list(reader.answers(log, ALWAYS))
    answers = [(*row[:-1], block.lines[place]) for block in blocks for place, *row in block.rows.itertuples(name=None)]
    feedback = [row for rows, _ in reader.feedback(log, ALWAYS) for row in rows.itertuples(index=False, name=None)]
    refused = refusals(log, ALWAYS, ["production"], 3)
    return {
        "answers": sorted(map(str, answers)),
        "broken": sum(block.broken for block in blocks),
        "feedback": sorted(map(str, feedback)),
        "broken feedback": sum(broken for _, broken in reader.feedback(log, ALWAYS)),
        "refused": (refused.rows, refused.mistakes, refused.broken),
        "labelled": [str(row) for row in labelled_rows(log, ALWAYS)[0]],
        "lines": sorted(line for kind in KINDS for block in reader.blocks(log, ALWAYS, kind) for line in block),
    }


def files(log: Path) -> list[str]:
    return sorted(path.name for path in log.glob("*/*"))
