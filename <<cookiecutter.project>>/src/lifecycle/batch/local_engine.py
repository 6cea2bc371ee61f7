"""The local engine: reads batches, scores a few of them at a time on all cores, and writes them in their order."""

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

from lifecycle.batch.input_files import input_files, is_csv
from lifecycle.batch.job import Job
from lifecycle.batch.output import NOTHING_WRITTEN
from lifecycle.batch.run_summary import RunSummary, check_columns, check_summary
from lifecycle.batch.score_rows import REASON, ROW, RowScorer, ScoredBatch, loaded
from lifecycle.batch.table_reader import TableReader
from lifecycle.core.errors import DataError

TYPES = {"text": arrow.string(), "integer": arrow.int64(), "number": arrow.float64()}
STAMP = {"model_version": arrow.int64(), "scored_at": arrow.timestamp("us", "UTC")}


def score(job: Job, scores: Path, quarantine: Path) -> RunSummary:
    """Score a table into two folders.

    Args:
        job: what to score, and with which version.
        scores: an existing folder for the scores.
        quarantine: an existing folder for the rows that break the contract.

    Raises DataError if the table cannot be read, or too many of its rows break the contract.
    """
    scorer = loaded(job, is_csv(input_files(job.input)[0]))
    categorical = [name for name, dtype in scorer.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]
    table = TableReader(job.input, categorical, scorer.scoring.params.data.csv)
    check_columns(job, scorer.columns, table.columns)
    key_dtype = scorer.dtypes[scorer.key]
    key_is_text = isinstance(key_dtype, pd.StringDtype) or key_dtype.kind == "O"
    key_type = TYPES["text"] if key_is_text else arrow.int64()
    columns = scorer.columns + [name for name in scorer.optional_columns if name in table.columns]
    frames = table.batches(columns, [scorer.key] if key_is_text and scorer.key in columns else [], job.batch_rows)
    predicted = {name: TYPES[kind] for name, kind in scorer.output_columns().items()}
    scores_file = _Writer(scores, {scorer.key: key_type, **predicted}, job)
    quarantine_file = _Writer(quarantine, dict.fromkeys((scorer.key, REASON, ROW), TYPES["text"]), job)
    progress = tqdm(total=table.row_count(), unit=" rows", unit_scale=True, desc="score", disable=None)
    summary, example = RunSummary(), ""
    with scores_file, quarantine_file, progress:
        for rows, batch in _in_order(scorer, frames, job.input):
            scores_file.write(batch.scores)
            quarantine_file.write(batch.quarantine)
            summary = summary.plus(rows, len(batch.scores), len(batch.quarantine), batch.skipped)
            if not example and len(batch.quarantine):
                example = str(batch.quarantine[REASON].iloc[0])
            progress.update(rows)
    check_summary(job, summary, lambda: example)
    return summary


def _in_order(scorer: RowScorer, frames: Iterator[pd.DataFrame], source: str) -> Iterator[tuple[int, ScoredBatch]]:
    """Score frames, one per core at a time, holding no more of them in memory than keeps the cores busy.

    Yields the number of rows of each frame and what came of them.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    waiting: deque[tuple[int, Future[ScoredBatch]]] = deque()

    def score_one(frame: pd.DataFrame) -> ScoredBatch:
        try:
            with threadpool_limits(1):
                return scorer.score(frame)
        except DataError as error:
            raise DataError(f"{source}: {error}; {NOTHING_WRITTEN}") from None
        except Exception as error:  # of the version's own code, of any kind
            reason = f"{type(error).__name__}: {error}"
            raise DataError(f"{source}: the version cannot score it: {reason}; {NOTHING_WRITTEN}") from error

    with ThreadPoolExecutor(cores) as pool:
        for frame in frames:
            waiting.append((len(frame), pool.submit(score_one, frame)))
            if len(waiting) > cores:
                rows, first = waiting.popleft()
                yield rows, first.result()
        while waiting:
            rows, first = waiting.popleft()
            yield rows, first.result()


class _Writer:
    """One Parquet file, written batch by batch."""

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
