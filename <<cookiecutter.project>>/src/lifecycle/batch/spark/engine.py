"""The Spark engine: runs RowScorer in `mapInPandas`, and sends the version to the executors."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from lifecycle.batch import output
from lifecycle.batch.input_files import check_schemas, input_files, is_csv
from lifecycle.batch.job import Job
from lifecycle.batch.row_contract import RAGGED
from lifecycle.batch.run_summary import RunSummary, check_columns, check_summary
from lifecycle.batch.score_rows import REASON, ROW, loaded
from lifecycle.batch.spark.executor import BAD, GOOD, SKIPPED, STATE, scoring_function
from lifecycle.batch.spark.session import csv_options, is_table, location, quoted, reader, session
from lifecycle.core import config
from lifecycle.core.errors import ConfigError

TYPES = {"text": "string", "integer": "bigint", "number": "double"}
ARCHIVE = "batch-scoring"


def score(job: Job) -> RunSummary:
    """Score a table. Raises DataError if it cannot be read, or too many rows break the contract."""
    run = _SparkRun(job)
    if is_table(job.output) or "://" in job.output:
        return run.into_store()
    with output.staged_output(job.output, job.date) as (scores, quarantine), run.started():
        return run.into_folders(scores, quarantine)


class _SparkRun:
    """One run on Spark."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.files = [] if is_table(job.input) or "://" in job.input else input_files(job.input)
        self.is_csv = is_csv(self.files[0] if self.files else job.input)
        self.options: dict[str, Any] = {"active_since": job.active_since, "is_text": self.is_csv}
        # Also loaded on the driver: a version that cannot be loaded fails before Spark starts, and it knows its columns.
        self.scorer = loaded(job, self.is_csv)
        key_dtype = self.scorer.dtypes[self.scorer.key]
        self.key_type = "bigint" if getattr(key_dtype, "kind", "O") in "iu" else "string"

    @contextmanager
    def started(self) -> Iterator[None]:
        with (
            session(
                self.job.master, self.job.input, self.job.output, self.job.batch_rows, self.job.spark_conf
            ) as self.spark,
            tempfile.TemporaryDirectory() as folder,
        ):
            self.spark.sparkContext.addArchive(f"{_archive(self.job, Path(folder))}#{ARCHIVE}")
            self.table = self._read()
            yield

    def into_folders(self, scores: Path, quarantine: Path) -> RunSummary:
        """Write scores and quarantined rows to staging folders, which become the output if this returns."""
        from pyspark.sql import Observation
        from pyspark.sql import functions as F  # noqa: N812

        counts = Observation()
        scored = self._scored(predict=True).observe(counts, *_counts())
        self._rows_in(scored, GOOD).write.mode("append").parquet(location(str(scores)))
        summary = _summary(counts.get)
        bad = self._rows_in(self._scored(predict=False), BAD)
        check_summary(self.job, summary, partial(_example, bad))
        if not summary.quarantined:
            bad.limit(0).write.mode("append").parquet(location(str(quarantine)))
            return summary
        bad_counts = Observation()
        bad = bad.observe(bad_counts, F.count(F.lit(1)).alias("bad"))
        bad.write.mode("append").parquet(location(str(quarantine)))
        if bad_counts.get["bad"] != summary.quarantined:
            raise RuntimeError(
                f"{bad_counts.get['bad']} rows were quarantined, not {summary.quarantined}; {output.NOTHING_WRITTEN}"
            )
        return summary

    def into_store(self) -> RunSummary:
        """Write to a table or a store that cannot swap folders in one step: all rows are validated before any is written."""
        with self.started():
            validated = self._scored(predict=False)
            bad, scores = self._rows_in(validated, BAD), self._rows_in(self._scored(predict=True), GOOD)
            self._check_table(bad, self.job.output + output.QUARANTINE)
            self._check_table(scores, self.job.output)
            summary = _summary(validated.agg(*_counts()).first().asDict())
            check_summary(self.job, summary, partial(_example, bad))
            self._store(bad, self.job.output + output.QUARANTINE)
            self._store(scores, self.job.output)
        return summary

    def _read(self) -> Any:
        """Return the input with the columns that are needed, a text key as text.

        The columns are named c0, c1, ... because `mapInPandas` finds none with a dot in its name; `self.names` has their own names.
        """
        from pyspark.sql import functions as F  # noqa: N812
        from pyspark.sql.types import StringType, StructField, StructType

        names = [*self.scorer.columns]
        if self.files and not self.is_csv:
            check_schemas(self.files, self.job.input, names)
        if is_table(self.job.input):
            table = self.spark.read.table(self.job.input)
        elif self.is_csv:
            read, files = reader(self.spark, self.job.input)
            options = csv_options(self.scorer.scoring.params.data.csv)
            header = read.csv(files, **options).columns
            schema = StructType([StructField(name, StringType()) for name in [*header, RAGGED]])
            table = read.csv(files, schema=schema, columnNameOfCorruptRecord=RAGGED, **options)
            names.append(RAGGED)
        else:
            read, files = reader(self.spark, self.job.input)
            table = read.parquet(*files)
        check_columns(self.job, self.scorer.columns, table.columns)
        names += [name for name in self.scorer.optional_columns if name in table.columns]
        columns = {name: F.col(quoted(name)) for name in names}
        if self.key_type == "string" and self.scorer.key in columns:
            columns[self.scorer.key] = columns[self.scorer.key].cast("string")
        self.names = list(columns)
        return table.select(*[column.alias(f"c{place}") for place, column in enumerate(columns.values())])

    def _scored(self, predict: bool) -> Any:
        """Return a row per row of the input: with its scores if `predict`, else with the reason why it breaks the contract."""
        if predict:
            predicted = {name: TYPES[kind] for name, kind in self.scorer.output_columns().items()}
            columns = {self.scorer.key: self.key_type, **predicted}
        else:  # the key as text: it may be what is wrong with the row
            columns = {self.scorer.key: "string", REASON: "string", ROW: "string"}
        columns[STATE] = "int"
        schema = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        package = self.scorer.scoring.params.package
        function = scoring_function(package, ARCHIVE, self.options, self.names, list(columns), predict)
        return self.table.mapInPandas(function, schema)

    def _rows_in(self, scored: Any, state: int) -> Any:
        """Return the rows in a state, stamped with version and time."""
        from pyspark.sql import functions as F  # noqa: N812

        stamp = {
            "model_version": F.lit(self.job.version).cast("bigint"),
            "scored_at": F.lit(datetime.fromisoformat(self.job.scored_at)),
        }
        return scored.filter(F.col(STATE) == state).drop(STATE).withColumns(stamp)

    def _check_table(self, frame: Any, name: str) -> None:
        """Raise ConfigError if the output exists and has other columns, or is not partitioned by date alone."""
        if is_table(name) and self.spark.catalog.tableExists(name):
            columns = self.spark.catalog.listColumns(name)
            if [column.name for column in columns if column.isPartition] != [output.DATE]:
                raise ConfigError(f"{name}: is not partitioned by {output.DATE} alone: name another --output")
            present, needed = [column.name for column in columns], [*frame.columns, output.DATE]
            if sorted(present) != sorted(needed):
                raise ConfigError(f"{name}: has the columns {', '.join(present)}, not {', '.join(needed)}")

    def _store(self, frame: Any, name: str) -> None:
        """Replace the partition of the date, and no other."""
        from pyspark.sql import functions as F  # noqa: N812

        frame = frame.withColumn(output.DATE, F.lit(date.fromisoformat(self.job.date)))
        if not is_table(name):
            frame.write.mode("overwrite").partitionBy(output.DATE).parquet(location(name))
        elif self.spark.catalog.tableExists(name):
            columns = [quoted(column) for column in self.spark.table(name).columns]
            frame.select(columns).write.mode("overwrite").insertInto(name)  # goes by the order of columns
        else:
            frame.write.partitionBy(output.DATE).saveAsTable(name)


def _counts() -> list[Any]:
    from pyspark.sql import functions as F  # noqa: N812

    states = {"scored": GOOD, "quarantined": BAD, "skipped": SKIPPED}
    sums = [F.sum((F.col(STATE) == state).cast("long")).alias(name) for name, state in states.items()]
    return [F.count(F.lit(1)).alias("read"), *sums]


def _summary(counts: dict[str, int | None]) -> RunSummary:
    return RunSummary(**{name: count or 0 for name, count in counts.items()})


def _example(bad: Any) -> str:
    return str(bad.select(REASON).first()[0])


def _archive(job: Job, folder: Path) -> Path:
    """Pack what a Python worker needs: the version's files, and its code with today's lifecycle.batch over it."""
    content = folder / "content"
    shutil.copytree(job.code_folder, content / "code", ignore=shutil.ignore_patterns("__pycache__"))
    (content / "version").mkdir()
    for name in (config.MODEL.name, config.TRUSTED_TYPES.name, str(config.PARAMS), str(config.CONTRACT)):
        if name != config.TRUSTED_TYPES.name or Path(job.version_folder, name).exists():  # older versions have none
            shutil.copy(Path(job.version_folder, name), content / "version")
    return Path(shutil.make_archive(str(folder / ARCHIVE), "zip", content))
