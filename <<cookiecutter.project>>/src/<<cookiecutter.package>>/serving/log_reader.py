"""Read the prediction log back: of a window of time, and only the columns that are asked for."""

import datetime
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as arrow
import pyarrow.json

from << cookiecutter.package >>.errors import ConfigError
from << cookiecutter.package >>.serving.log import FEEDBACK, PREDICTIONS, now

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
ANSWERS = arrow.schema(
    {
        "time": arrow.timestamp("ms", "UTC"),
        "role": arrow.string(),
        "version": arrow.int64(),
        "request_id": arrow.string(),
        "milliseconds": arrow.float64(),
        "probability": arrow.float64(),
        "prediction": arrow.float64(),
    }
)


def window(text: str) -> tuple[datetime.datetime, datetime.datetime]:
    """Return the start and end of the last `30m`, `12h`, `1d` or `2w`. Raises ConfigError if the text is none."""
    found = re.fullmatch(r"([1-9]\d{0,5})([mhdw])", text)
    if not found:
        raise ConfigError(f"--window {text}: write a number and m, h, d or w, as in 12h")
    return now() - datetime.timedelta(**{UNITS[found[2]]: int(found[1])}), now()


def answers(folder: Path, since: datetime.datetime, until: datetime.datetime) -> tuple[pd.DataFrame, int]:
    """Return what was answered in a window, without inputs: the columns of ANSWERS and `label`, as text.

    Returns, too, how many lines could not be read: the end of one may be missing where a machine has crashed.
    """
    return _read(folder, since, until, PREDICTIONS, ANSWERS)


def feedback(folder: Path, since: datetime.datetime, until: datetime.datetime) -> tuple[pd.DataFrame, int]:
    """Return the labels that came in within a window: `time`, `request_id`, `label` as text; the last word on each row."""
    kinds = {"time": ANSWERS.field("time").type, "request_id": arrow.string()}
    found, broken = _read(folder, since, until, FEEDBACK, arrow.schema(kinds))
    return found.sort_values("time").drop_duplicates("request_id", keep="last"), broken


def _read(
    folder: Path, since: datetime.datetime, until: datetime.datetime, kind: str, schema: arrow.Schema
) -> tuple[pd.DataFrame, int]:
    parts, broken = [], 0
    for path in _files(folder, since, until, kind):
        table, bad = _table(path.read_bytes(), schema)
        broken += bad
        frame = table.to_pandas()
        if "label" in frame:
            frame["label"] = frame["label"].map(str)
        parts.append(frame[(frame["time"] >= since) & (frame["time"] <= until)])
    columns = [*schema.names, "label"]
    if not parts:
        return pd.DataFrame({name: [] for name in columns}), broken
    return pd.concat(parts, ignore_index=True).reindex(columns=columns), broken


def _files(folder: Path, since: datetime.datetime, until: datetime.datetime, kind: str) -> Iterator[Path]:
    for path in sorted(folder.glob(f"*/*.{kind}")):
        right = kind == FEEDBACK or not path.name.endswith(FEEDBACK)
        if right and f"{since:%Y-%m-%d}" <= path.parent.name <= f"{until:%Y-%m-%d}":
            yield path


def _table(content: bytes, schema: arrow.Schema) -> tuple[arrow.Table, int]:
    """The lines of a file as a table, fast if all of them can be read; and how many cannot."""
    whole = schema.append(arrow.field("label", arrow.string()))
    for fields in (whole, schema):  # a label may be a text, a number or a truth
        try:
            options = arrow.json.ParseOptions(
                explicit_schema=fields, unexpected_field_behavior="ignore" if fields is whole else "infer"
            )
            if content.strip():
                return arrow.json.read_json(arrow.BufferReader(content), parse_options=options), 0
        except arrow.ArrowInvalid:
            continue
    lines, broken = [], 0
    for line in content.splitlines():
        try:
            record = json.loads(line)
            lines.append({name: record.get(name) for name in whole.names})
        except (ValueError, AttributeError):
            broken += 1
    frame = pd.DataFrame(lines, columns=whole.names)
    frame["time"] = pd.to_datetime(frame["time"], utc=True, format="ISO8601")
    frame["label"] = frame["label"].map(str)
    return arrow.Table.from_pandas(frame, preserve_index=False), broken
