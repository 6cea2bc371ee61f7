"""Read the prediction log back: of a window of time, and only the columns that are asked for."""

import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow as arrow
import pyarrow.json

from lifecycle.core.errors import ConfigError
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS

BODY = b',"milliseconds":'  # where a server has written who answered when; inputs and answer follow
BLOCK = 16_777_216  # bytes of a file that are held at a time
LABEL = re.compile(rb'(?<!\\)("label": ?)(true|false|-?\d[\d.eE+-]*)')
UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}  # seconds
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


def answers(log: Path | str, since: datetime.datetime, until: datetime.datetime) -> tuple[pd.DataFrame, int]:
    """Return what was answered in a window, without inputs: the columns of ANSWERS and `label`, as text.

    Returns, too, how many lines could not be read: the end of one may be missing where a machine has crashed.
    """
    return _read(log, since, until, PREDICTIONS, ANSWERS)


def feedback(log: Path | str, since: datetime.datetime, until: datetime.datetime) -> tuple[pd.DataFrame, int]:
    """Return the labels that came in within a window: `time`, `request_id`, `label` as text; the last word on each row."""
    kinds = {"time": ANSWERS.field("time").type, "request_id": arrow.string()}
    found, broken = _read(log, since, until, FEEDBACK, arrow.schema(kinds))
    return found.sort_values("time").drop_duplicates("request_id", keep="last"), broken


def blocks(log: Path | str, since: datetime.datetime, until: datetime.datetime, kind: str) -> Iterator[bytes]:
    """Yield the files of the days of a window in blocks of whole lines; `log` is a folder, or the URL of one for fsspec."""
    for file in files(log, kind, since, until):
        with file:
            rest = b""
            while more := file.read(BLOCK):
                end = more.rfind(b"\n") + 1
                if end:
                    yield rest + more[:end]
                rest = more[end:] if end else rest + more
            if rest:
                yield rest


def table(content: bytes, schema: arrow.Schema) -> tuple[arrow.Table, int]:
    """Return whole lines as a table, fast if all of them can be read; and how many cannot.

    Fields that the schema does not name are left out; those it names and a line lacks are null.
    """
    if not content or content.isspace():
        return schema.empty_table(), 0
    single = content.find(b"\n", 0, -1) < 0
    read = arrow.json.ReadOptions(block_size=len(content) + 1) if single else None
    options = arrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        found = arrow.json.read_json(arrow.BufferReader(content), read_options=read, parse_options=options)
        found.validate(full=True)  # a text may be no UTF-8
        return found, 0
    except arrow.ArrowInvalid:
        if single:
            return schema.empty_table(), 1
    middle = content.find(b"\n", len(content) // 2, -1) + 1 or content.find(b"\n") + 1
    (one, bad), (other, worse) = table(content[:middle], schema), table(content[middle:], schema)
    return arrow.concat_tables([one, other]), bad + worse


def heads(lines: list[bytes], schema: arrow.Schema) -> tuple[arrow.Table, int]:
    """Return what `table` does of lines whose fields all come before BODY, in a fraction of the time: the rest is not read."""
    short = [line[: line.find(BODY)] for line in lines if line[-1:] == b"}"]
    if len(short) == len(lines):
        found, broken = table(b"}\n".join(short) + b"}\n", schema)
        if found.num_rows == found.drop_null().num_rows == len(lines) and not broken:
            return found, 0
    return table(b"\n".join(lines) + b"\n", schema)


def labelled(content: bytes, schema: arrow.Schema) -> tuple[arrow.Table, int]:
    """Return what `table` does with `label` in addition, as text: it may be a text, a number or a truth."""
    return table(LABEL.sub(_quoted, content), schema.append(arrow.field("label", arrow.string())))


def _quoted(label: re.Match[bytes]) -> bytes:
    return b'%s"%s"' % (label[1], {b"true": b"True", b"false": b"False"}.get(label[2], label[2]))


def _read(
    log: Path | str, since: datetime.datetime, until: datetime.datetime, kind: str, schema: arrow.Schema
) -> tuple[pd.DataFrame, int]:
    parts, broken = [], 0
    for content in blocks(log, since, until, kind):
        found, bad = labelled(content, schema)
        broken += bad
        frame = found.to_pandas()
        frame["label"] = frame["label"].map(str)
        parts.append(frame[(frame["time"] >= since) & (frame["time"] <= until)])
    columns = [*schema.names, "label"]
    if not parts:
        return pd.DataFrame({name: [] for name in columns}), broken
    return pd.concat(parts, ignore_index=True).reindex(columns=columns), broken


def files(
    log: Path | str, kind: str, since: datetime.datetime | None = None, until: datetime.datetime | None = None
) -> Iterator[IO[bytes]]:
    """Open the files of the days of a window, one after the other; `log` is a folder, or the URL of one for fsspec."""
    first, last = (f"{moment:%Y-%m-%d}" if moment else None for moment in (since, until))
    if "://" in str(log):
        import fsspec

        try:
            store, root = fsspec.core.url_to_fs(str(log))
        except (ImportError, ValueError) as error:  # it needs the extra of that store, or is no URL
            raise ConfigError(f"{log}: cannot be read: {error}") from None
        paths, read = [Path(path) for path in store.glob(f"{root.rstrip('/')}/*/*.{kind}")], store.open
    else:
        paths, read = list(Path(log).glob(f"*/*.{kind}")), open
    for path in sorted(paths):
        right = kind == FEEDBACK or not path.name.endswith(FEEDBACK)
        day = path.parent.name
        if right and (first is None or first <= day) and (last is None or day <= last):
            yield read(str(path), "rb")
