"""The local engine: batches are read, scored on all cores and written in their order, a few of them at a time."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from lifecycle.batch.input_files import is_csv, parts
from lifecycle.batch.job import Job
from lifecycle.batch.output import NOTHING
from lifecycle.batch.reader import Source
from lifecycle.batch.run_summary import Outcome, check_columns, check_outcome
from lifecycle.batch.score_rows import REASON, ROW, Judged, Rows
from lifecycle.core.errors import DataError

TYPES = {"text": arrow.string(), "integer": arrow.int64(), "number": arrow.float64()}
STAMP = {"model_version": arrow.int64(), "scored_at": arrow.timestamp("us", "UTC")}


def score(job: Job, scores: Path, quarantine: Path) -> Outcome:
    """Score a table into two folders. Raises DataError if it cannot be read, or too many rows break the contract."""
    rows = Rows(Path(job.folder), job.active_since, is_csv(parts(job.input)[0]))
    categories = [name for name, kind in rows.kinds.items() if isinstance(kind, pd.CategoricalDtype)]
    source = Source(job.input, categories)
    check_columns(job, rows.names, source.columns)
    text = isinstance(rows.kinds[rows.key], pd.StringDtype) or rows.kinds[rows.key].kind == "O"
    frames = source.frames(rows.names, [rows.key] if text else [], job.rows)
    good = _Writer(scores, {rows.key: TYPES["text"] if text else arrow.int64(), **_answers(rows)}, job)
    bad = _Writer(quarantine, dict.fromkeys((rows.key, REASON, ROW), TYPES["text"]), job)
    outcome, example = Outcome(), ""
    with good, bad, tqdm(total=source.rows(), unit=" rows", unit_scale=True, desc="score", disable=None) as bar:
        for count, judged in _in_order(rows, frames, job.input):
            good.write(judged.scores)
            bad.write(judged.bad)
            outcome = outcome.plus(count, len(judged.scores), len(judged.bad), judged.skipped)
            if not example and len(judged.bad):
                example = str(judged.bad[REASON].iloc[0])
            bar.update(count)
    check_outcome(job, outcome, lambda: example)
    return outcome


def _answers(rows: Rows) -> dict[str, Any]:
    return {name: TYPES[kind] for name, kind in rows.answers().items()}


def _in_order(rows: Rows, frames: Iterator[pd.DataFrame], source: str) -> Iterator[tuple[int, Judged]]:
    """Judge frames, as many at a time as there are cores, and no more of them in memory than keeps these busy."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    waiting: deque[tuple[int, Future[Judged]]] = deque()

    def judge(frame: pd.DataFrame) -> Judged:
        try:
            with threadpool_limits(1):
                return rows.judge(frame)
        except DataError as error:
            raise DataError(f"{source}: {error}; {NOTHING}") from None

    with ThreadPoolExecutor(cores) as pool:
        for frame in frames:
            waiting.append((len(frame), pool.submit(judge, frame)))
            if len(waiting) > cores:
                count, first = waiting.popleft()
                yield count, first.result()
        while waiting:
            count, first = waiting.popleft()
            yield count, first.result()


class _Writer:
    """One Parquet file, written a batch at a time."""

    def __init__(self, folder: Path, columns: dict[str, Any], job: Job) -> None:
        self._schema = arrow.schema({**columns, **STAMP})
        self._stamp = (job.version, datetime.fromisoformat(job.scored_at))
        self._file = arrow.parquet.ParquetWriter(folder / "part-0.parquet", self._schema)

    def write(self, frame: pd.DataFrame) -> None:
        if len(frame):
            stamp = [
                arrow.repeat(arrow.scalar(value, kind), len(frame))
                for value, kind in zip(self._stamp, STAMP.values(), strict=True)
            ]
            columns = [arrow.array(frame[name], from_pandas=True) for name in self._schema.names[: -len(STAMP)]]
            columns = [column.cast(field.type) for column, field in zip(columns, self._schema, strict=False)]
            self._file.write_table(arrow.Table.from_arrays([*columns, *stamp], schema=self._schema))

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
