"""Read the prediction log back a block at a time, so that the memory taken does not depend on the traffic."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.json

from lifecycle.core.errors import ConfigError
from lifecycle.core.outage import within
from lifecycle.core.times import EPOCH, Window, now
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS, REFUSED, SKEW

BODY = b',"milliseconds":'  # where a server has written who answered when; inputs and answer follow
BLOCK = 16_777_216  # bytes of a file that are held at a time
UNQUOTED_LABEL = re.compile(rb'(?<!\\)("label": ?)(true|false|-?\d[\d.eE+-]*)')
TIME = arrow.timestamp("ms", "UTC")
HEAD = arrow.schema({"time": TIME, "role": arrow.string(), "version": arrow.int64(), "request_id": arrow.string()})
FEEDBACK_HEAD = arrow.schema([HEAD.field("time"), HEAD.field("request_id")])
LABEL = arrow.schema({"label": arrow.string(), "unquoted": arrow.bool_()})


@dataclass(frozen=True)
class Block:
    """Answers of a window."""

    rows: pd.DataFrame
    """The columns of HEAD and `key`, a hash of the id; the index is the place in `lines`."""
    lines: list[bytes]
    broken: int
    """Lines that cannot be read."""


def answers(log: Path | str, window: Window) -> Iterator[Block]:
    """Yield all that was answered in a window, whoever answered; `log` is a folder, or the URL of one for fsspec."""
    for lines in blocks(log, window, PREDICTIONS):
        table, places = heads(lines, HEAD)
        rows = _plausible(table.to_pandas().set_index(np.array(places, dtype=np.int64)))
        broken = len(lines) - len(rows)
        rows = rows[(rows["time"] >= window.since) & (rows["time"] < window.until)]
        yield Block(rows.assign(key=keys(rows["request_id"])), lines, broken)


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
    for file in _files(log, kind, window):
        with file:
            rest = b""
            while more := _read(file, log):
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


def _files(log: Path | str, kind: str, window: Window) -> Iterator[IO[bytes]]:
    """Open the files of the days of a window, one after the other."""
    if "://" in str(log):
        import fsspec

        try:
            store, root = fsspec.core.url_to_fs(str(log))
        except (ImportError, ValueError) as error:  # it needs the extra of that store, or is not a URL
            raise ConfigError(f"{log}: cannot be read: {error}") from None
        pattern, subject = f"{root.rstrip('/')}/*/*.{kind}", f"{log}: the log cannot be read"
        paths = [Path(path) for path in within(lambda: store.glob(pattern), subject)]
        if not paths and not within(lambda: store.exists(root), subject):
            raise ConfigError(f"{log}: the log cannot be read: there is no such folder, or it is empty")
        read = partial(_open, store, subject)
    else:
        paths, read = list(Path(log).glob(f"*/*.{kind}")), partial(open, mode="rb")
    first, last = f"{window.since:%Y-%m-%d}", f"{window.until:%Y-%m-%d}"
    for path in sorted(paths):
        of_kind = kind != PREDICTIONS or not path.name.endswith((FEEDBACK, REFUSED))
        if of_kind and first <= path.parent.name <= last:
            yield read(str(path))


def _open(store: Any, subject: str, path: str) -> IO[bytes]:
    opened: IO[bytes] = within(lambda: store.open(path, "rb", block_size=BLOCK), subject)
    return opened


def _read(file: IO[bytes], log: Path | str) -> bytes:
    """Read up to BLOCK bytes; of a store, within the time that it has for that."""
    if "://" in str(log):
        return within(lambda: file.read(BLOCK), f"{log}: the log cannot be read")
    return file.read(BLOCK)
