"""Read the prediction log back a block at a time, so that the memory taken does not depend on the traffic.

Whether a day is in JSON lines, compressed ones or Parquet makes no difference to what is read.
"""

import datetime
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.json

from lifecycle.core.times import EPOCH, Window, now
from lifecycle.prediction_log import compacted, log_files
from lifecycle.prediction_log.lines import Lines
from lifecycle.prediction_log.log_files import LogFile
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS, SKEW

T = TypeVar("T")
BODY = b',"milliseconds":'  # where a server has written who answered when; inputs and answer follow
BLOCK = 8_388_608  # bytes of a file that are held at a time
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
    since, until = _moment(window.since), _moment(window.until)
    for table, places, lines in _heads(log, window):
        plausible, times = _plausible(table), table["time"].to_numpy()
        chosen = plausible & (times >= since) & (times < until)
        rows = table.filter(arrow.array(chosen)).to_pandas().set_index(np.array(places, dtype=np.int64)[chosen])
        yield Block(rows.assign(key=keys(rows["request_id"])), lines, len(lines) - int(plausible.sum()))


def feedback(log: Path | str, window: Window) -> Iterator[tuple[pd.DataFrame, int]]:
    """Yield the labels that came in on the days of a window, and how many lines cannot be read.

    Columns: `time`, `request_id`, `label` as text, `unquoted` (true if it is a number or a boolean in JSON), `key`.
    """
    for lines in blocks(log, window, FEEDBACK):
        table, _ = with_label(lines, FEEDBACK_HEAD)
        rows = table.filter(arrow.array(_plausible(table.drop_columns("unquoted")))).to_pandas()
        rows = rows.fillna({"unquoted": False})
        yield rows.assign(key=keys(rows["request_id"])), len(lines) - len(rows)


def blocks(log: Path | str, window: Window, kind: str) -> Iterator[Lines]:
    """Yield the lines of the days of a window, without empty ones, up to BLOCK bytes at a time."""
    for files in log_files.days(log, kind, window):
        for file in files:
            yield from line_blocks(file)


def line_blocks(file: LogFile) -> Iterator[Lines]:
    """Yield the lines of a file that is open, without empty ones, up to BLOCK bytes at a time."""
    if file.is_compacted:
        for _, lines in compacted.row_groups(file.stream):
            yield lines
        return
    rest = b""
    while more := file.read(BLOCK):
        end = more.rfind(b"\n") + 1
        if end:
            yield Lines.of(b"".join([rest, memoryview(more)[:end]]))
        rest = more[end:] if end else rest + more
    if rest:
        yield Lines.of(rest)


def parse(lines: Sequence[bytes], schema: arrow.Schema) -> tuple[arrow.Table, list[int]]:
    """Return the lines that can be read as a table, and the place of each in `lines`; fast if all of them can.

    Fields that the schema does not name are left out; those it names and a line lacks are null.
    """
    if not lines:
        return schema.empty_table(), []
    content = b"\n".join(lines)
    table = _read(content, len(lines), schema, len(content) + 1 if len(lines) == 1 else None)
    if table is not None:
        return table, list(range(len(lines)))
    if len(lines) == 1:
        return schema.empty_table(), []
    middle = len(lines) // 2
    (first, before), (second, after) = parse(lines[:middle], schema), parse(lines[middle:], schema)
    return arrow.concat_tables([first, second]), before + [middle + place for place in after]


def heads(lines: Sequence[bytes], schema: arrow.Schema) -> tuple[arrow.Table, Sequence[int]]:
    """Return what `parse` does of lines whose fields all come before BODY, in a fraction of the time: the rest is not read."""
    lines = lines if isinstance(lines, Lines) else Lines(arrow.array(lines, arrow.binary()))
    table = _read(short, len(lines), schema) if lines and (short := lines.heads(BODY)) else None
    if table is not None and not any(column.null_count for column in table.columns):
        return table, range(len(lines))
    return parse(lines, schema)


def with_label(lines: Sequence[bytes], schema: arrow.Schema) -> tuple[arrow.Table, list[int]]:
    """Return what `parse` does, and `label` as text, whatever it is in JSON, with `unquoted` true if it is not a text there."""
    quoted = UNQUOTED_LABEL.sub(_quoted, b"\n".join(lines)).split(b"\n") if lines else []
    return parse(quoted, arrow.schema([*schema, *LABEL]))


def keys(ids: pd.Series) -> np.ndarray:
    """Return a number of 64 bits for each id, spread evenly."""
    return pd.util.hash_array(ids.to_numpy(dtype=object), categorize=False)


def _quoted(label: re.Match[bytes]) -> bytes:
    text = {b"true": b"True", b"false": b"False"}.get(label[2], label[2])
    return b'%s"%s","unquoted":true' % (label[1], text)


def _read(
    content: bytes | arrow.Buffer, rows: int, schema: arrow.Schema, block: int | None = None
) -> arrow.Table | None:
    """The JSON lines of a text as a table, if all of them can be read: as many as there have to be rows."""
    options = arrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    read = arrow.json.ReadOptions(block_size=block) if block else None
    try:
        table = arrow.json.read_json(arrow.BufferReader(content), read_options=read, parse_options=options)
        table.validate(full=True)  # a text may not be UTF-8
    except arrow.ArrowInvalid:
        return None
    return table if table.num_rows == rows else None


def _plausible(table: arrow.Table) -> np.ndarray:
    """Whether in each row nothing is missing, and the time is one that a server can have written."""
    times = table["time"].to_numpy()
    plausible: np.ndarray = (times >= _moment(EPOCH)) & (times <= _moment(now() + SKEW))
    for column in table.columns:
        if column.null_count:
            plausible &= column.is_valid().to_numpy()
    return plausible


def _moment(time: datetime.datetime) -> np.datetime64:
    return np.datetime64(time.astimezone(datetime.UTC).replace(tzinfo=None), "us")


def _heads(log: Path | str, window: Window) -> Iterator[tuple[arrow.Table, Sequence[int], Sequence[bytes]]]:
    """The heads of answers, the place of each in the lines, and the lines."""
    for files in log_files.days(log, PREDICTIONS, window):
        for file in files:
            if file.is_compacted:
                for table, whole in _read_ahead(compacted.row_groups(file.stream)):
                    yield table, range(len(whole)), whole
            else:
                for lines in _read_ahead(line_blocks(file)):
                    yield *heads(lines, HEAD), lines


def _read_ahead(blocks: Iterator[T]) -> Iterator[T]:
    """The same blocks, of which the next is read, on another core, while one is worked on."""
    with ThreadPoolExecutor(1) as reading:
        following = reading.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = reading.submit(next, blocks, None)
            yield block
