"""Read the prediction log back a block at a time, so that the memory taken does not depend on the traffic.

Whether a day is in JSON lines, compressed ones or Parquet makes no difference to what is read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.json

from lifecycle.core.times import EPOCH, Window, now
from lifecycle.prediction_log import compacted, log_files
from lifecycle.prediction_log.log_files import LogFile
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS, SKEW

BODY = b',"milliseconds":'  # where a server has written who answered when; inputs and answer follow
BLOCK = 16_777_216  # bytes of a file that are held at a time
UNQUOTED_LABEL = re.compile(rb'(?<!\\)("label": ?)(true|false|-?\d[\d.eE+-]*)')
HEAD = compacted.HEAD
FEEDBACK_HEAD = arrow.schema([HEAD.field("time"), HEAD.field("request_id")])
LABEL = arrow.schema({"label": arrow.string(), "unquoted": arrow.bool_()})


@dataclass(frozen=True)
class Block:
    """Answers of a window."""

    rows: pd.DataFrame
    """The columns of HEAD and `key`, a hash of the id; the index is the place in `lines`."""
    lines: Sequence[bytes]
    broken: int
    """Lines that cannot be read."""


def answers(log: Path | str, window: Window) -> Iterator[Block]:
    """Yield all that was answered in a window, whoever answered; `log` is a folder, or the URL of one for fsspec."""
    for table, places, lines in _heads(log, window):
        rows = _plausible(table.to_pandas().set_index(np.array(places, dtype=np.int64)))
        broken = len(lines) - len(rows)
        rows = rows[(rows["time"] >= window.since) & (rows["time"] < window.until)]
        whole = rows.astype({"version": "int64"})  # pandas made it a fraction if a line had none
        yield Block(whole.assign(key=keys(rows["request_id"])), lines, broken)


def feedback(log: Path | str, window: Window) -> Iterator[tuple[pd.DataFrame, int]]:
    """Yield the labels that came in on the days of a window, and how many lines cannot be read.

    Columns: `time`, `request_id`, `label` as text, `unquoted` (true if it is a number or a boolean in JSON), `key`.
    """
    for lines in blocks(log, window, FEEDBACK):
        table, _ = with_label(lines, FEEDBACK_HEAD)
        rows = _plausible(table.to_pandas().fillna({"unquoted": False}))
        yield rows.assign(key=keys(rows["request_id"])), len(lines) - len(rows)


def blocks(log: Path | str, window: Window, kind: str) -> Iterator[list[bytes]]:
    """Yield the lines of the days of a window, without empty ones, up to BLOCK bytes at a time."""
    for files in log_files.days(log, kind, window):
        for file in files:
            yield from line_blocks(file)


def line_blocks(file: LogFile) -> Iterator[list[bytes]]:
    """Yield the lines of a file that is open, without empty ones, up to BLOCK bytes at a time."""
    if file.is_compacted:
        for _, lines in compacted.row_groups(file.stream):
            yield list(lines)
        return
    rest = b""
    while more := file.read(BLOCK):
        end = more.rfind(b"\n") + 1
        if end:
            yield _lines(rest + more[:end])
        rest = more[end:] if end else rest + more
    if rest:
        yield _lines(rest)


def parse(lines: list[bytes], schema: arrow.Schema) -> tuple[arrow.Table, list[int]]:
    """Return the lines that can be read as a table, and the place of each in `lines`; fast if all of them can.

    Fields that the schema does not name are left out; those it names and a line lacks are null.
    """
    if not lines:
        return schema.empty_table(), []
    content = b"\n".join(lines)
    read = arrow.json.ReadOptions(block_size=len(content) + 1) if len(lines) == 1 else None
    options = arrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        table = arrow.json.read_json(arrow.BufferReader(content), read_options=read, parse_options=options)
        table.validate(full=True)  # a text may not be UTF-8
        if table.num_rows == len(lines):
            return table, list(range(len(lines)))
    except arrow.ArrowInvalid:
        pass
    if len(lines) == 1:
        return schema.empty_table(), []
    middle = len(lines) // 2
    (first, before), (second, after) = parse(lines[:middle], schema), parse(lines[middle:], schema)
    return arrow.concat_tables([first, second]), before + [middle + place for place in after]


def heads(lines: list[bytes], schema: arrow.Schema) -> tuple[arrow.Table, list[int]]:
    """Return what `parse` does of lines whose fields all come before BODY, in a fraction of the time: the rest is not read."""
    short = [line[: line.find(BODY)] + b"}" for line in lines if line[-1:] == b"}"]
    if len(short) == len(lines):
        table, places = parse(short, schema)
        if table.num_rows == table.drop_null().num_rows == len(lines):
            return table, places
    return parse(lines, schema)


def with_label(lines: list[bytes], schema: arrow.Schema) -> tuple[arrow.Table, list[int]]:
    """Return what `parse` does, and `label` as text, whatever it is in JSON, with `unquoted` true if it is not a text there."""
    quoted = UNQUOTED_LABEL.sub(_quoted, b"\n".join(lines)).split(b"\n") if lines else []
    return parse(quoted, arrow.schema([*schema, *LABEL]))


def keys(ids: pd.Series) -> np.ndarray:
    """Return a number of 64 bits for each id, spread evenly."""
    return pd.util.hash_array(ids.to_numpy(dtype=object), categorize=False)


def _quoted(label: re.Match[bytes]) -> bytes:
    text = {b"true": b"True", b"false": b"False"}.get(label[2], label[2])
    return b'%s"%s","unquoted":true' % (label[1], text)


def _lines(content: bytes) -> list[bytes]:
    return [line for line in content.split(b"\n") if line and not line.isspace()]


def _plausible(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in which nothing is missing, with a time that a server can have written."""
    rows = rows.dropna()
    return rows[(rows["time"] >= EPOCH) & (rows["time"] <= now() + SKEW)]


def _heads(log: Path | str, window: Window) -> Iterator[tuple[arrow.Table, Sequence[int], Sequence[bytes]]]:
    """The heads of answers, the place of each in the lines, and the lines."""
    for files in log_files.days(log, PREDICTIONS, window):
        for file in files:
            if file.is_compacted:
                for table, whole in compacted.row_groups(file.stream):
                    yield table, range(len(whole)), whole
            else:
                for lines in line_blocks(file):
                    yield *heads(lines, HEAD), lines
