"""The Spark engine: the same function in `mapInPandas`, with the version sent to whoever runs it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from lifecycle.batch import output
from lifecycle.batch.input_files import check_parts, is_csv, parts
from lifecycle.batch.job import Job
from lifecycle.batch.run_summary import Outcome, check_columns, check_outcome
from lifecycle.batch.score_rows import RAGGED, REASON, ROW, Rows
from lifecycle.batch.spark.executor import BAD, GOOD, SKIPPED, STATE, judging
from lifecycle.batch.spark.session import is_table, location, reader, session
from lifecycle.core import config
from lifecycle.core.errors import ConfigError

TYPES = {"text": "string", "integer": "bigint", "number": "double"}
ARCHIVE = "batch-scoring"


def score(job: Job) -> Outcome:
    """Score a table. Raises DataError if it cannot be read, or too many rows break the contract."""
    spark_rows = _Spark(job)
    if is_table(job.output) or "://" in job.output:
        return spark_rows.into_store()
    with output.writing(job.output, job.date) as (scores, quarantine), spark_rows.running():
        return spark_rows.into_folders(scores, quarantine)


class _Spark:
    """A run on Spark."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.files = [] if is_table(job.input) or "://" in job.input else parts(job.input)
        self.text = is_csv(self.files[0] if self.files else job.input)
        self.options: dict[str, Any] = {"active_since": job.active_since, "text": self.text}
        self.rows = Rows(Path(job.folder), **self.options)  # loaded here first: it must load, and knows its columns
        kind = self.rows.kinds[self.rows.key]
        self.key_type = "bigint" if getattr(kind, "kind", "O") in "iu" else "string"

    @contextmanager
    def running(self) -> Iterator[None]:
        with (
            session(self.job.master, self.job.input, self.job.output, self.job.rows) as self.spark,
            tempfile.TemporaryDirectory() as folder,
        ):
            self.spark.sparkContext.addArchive(f"{_packed(self.job, Path(folder))}#{ARCHIVE}")
            self.table = self._read()
            yield

    def into_folders(self, scores: Path, quarantine: Path) -> Outcome:
        """Write scores and bad rows aside; they are put in place if this returns."""
        from pyspark.sql import Observation
        from pyspark.sql import functions as F  # noqa: N812

        counts = Observation()
        judged = self._judged(score=True)
        judged = judged.observe(counts, *_counts())
        self._scores(judged).write.mode("append").parquet(location(str(scores)))
        outcome = _outcome(counts.get)
        bad = self._bad(self._judged(score=False))
        check_outcome(self.job, outcome, partial(self._example, bad))
        if not outcome.bad:
            bad.limit(0).write.mode("append").parquet(location(str(quarantine)))
            return outcome
        again = Observation()
        bad.observe(again, F.count(F.lit(1)).alias("bad")).write.mode("append").parquet(location(str(quarantine)))
        if again.get["bad"] != outcome.bad:
            raise RuntimeError(f"{again.get['bad']} rows came into quarantine, not {outcome.bad}; {output.NOTHING}")
        return outcome

    def into_store(self) -> Outcome:
        """Write into a table, or where files cannot be put in place in one step: judged first, then written."""
        with self.running():
            contract_only = self._judged(score=False)
            bad, scores = self._bad(contract_only), self._scores(self._judged(score=True))
            self._check_table(bad, self.job.output + output.QUARANTINE)
            self._check_table(scores, self.job.output)
            outcome = _outcome(contract_only.agg(*_counts()).first().asDict())
            check_outcome(self.job, outcome, partial(self._example, bad))
            self._store(bad, self.job.output + output.QUARANTINE)
            self._store(scores, self.job.output)
        return outcome

    def _read(self) -> Any:
        """The table with the columns that are needed, the key as the contract has it."""
        from pyspark.sql import functions as F  # noqa: N812
        from pyspark.sql.types import StringType, StructField, StructType

        names = [*self.rows.names]
        if self.files and not self.text:
            check_parts(self.files, self.job.input, names)
        if is_table(self.job.input):
            table = self.spark.read.table(self.job.input)
        elif self.text:
            read, places = reader(self.spark, self.job.input)
            given = {"header": True, "escape": '"', "multiLine": True, "enforceSchema": False}
            header = read.csv(places, **given).columns
            schema = StructType([StructField(name, StringType()) for name in [*header, RAGGED]])
            given["columnNameOfCorruptRecord"] = RAGGED
            table = read.csv(places, schema=schema, **given)
            names.append(RAGGED)
        else:
            read, places = reader(self.spark, self.job.input)
            table = read.parquet(*places)
        check_columns(self.job, self.rows.names, table.columns)
        columns = {name: F.col(f"`{name.replace('`', '``')}`") for name in names}
        if self.key_type == "string":
            columns[self.rows.key] = columns[self.rows.key].cast("string")
        return table.select(*[column.alias(name) for name, column in columns.items()])

    def _judged(self, score: bool) -> Any:
        answers = {name: TYPES[kind] for name, kind in self.rows.answers().items()} if score else {}
        # The key of a bad row is kept as text in a column of its own: it may be what is wrong with it.
        columns = {self.rows.key: "string" if not score else self.key_type, **answers}
        columns |= {REASON: "string", ROW: "string"} if not score else {}
        columns[STATE] = "int"
        schema = ", ".join(f"`{name.replace('`', '``')}` {kind}" for name, kind in columns.items())
        package = self.rows.scoring.params.package
        return self.table.mapInPandas(judging(package, ARCHIVE, self.options, list(columns), score), schema)

    def _scores(self, judged: Any) -> Any:
        return self._stamped(judged, GOOD)

    def _bad(self, judged: Any) -> Any:
        return self._stamped(judged, BAD)

    def _stamped(self, judged: Any, state: int) -> Any:
        from pyspark.sql import functions as F  # noqa: N812

        stamp = {
            "model_version": F.lit(self.job.version).cast("bigint"),
            "scored_at": F.lit(datetime.fromisoformat(self.job.scored_at)),
        }
        return judged.filter(F.col(STATE) == state).drop(STATE).withColumns(stamp)

    def _example(self, bad: Any) -> str:
        return str(bad.select(REASON).first()[0])

    def _check_table(self, frame: Any, place: str) -> None:
        """Raise ConfigError if a table is there that has other columns, or of which more than the date would be replaced."""
        if is_table(place) and self.spark.catalog.tableExists(place):
            columns = self.spark.catalog.listColumns(place)
            if [column.name for column in columns if column.isPartition] != [output.DATE]:
                raise ConfigError(f"{place}: is not partitioned by {output.DATE} alone: name another --output")
            found, wanted = [column.name for column in columns], [*frame.columns, output.DATE]
            if sorted(found) != sorted(wanted):
                raise ConfigError(f"{place}: has the columns {', '.join(found)}, not {', '.join(wanted)}")

    def _store(self, frame: Any, place: str) -> None:
        """Replace the date's partition, and leave the others."""
        from pyspark.sql import functions as F  # noqa: N812

        frame = frame.withColumn(output.DATE, F.lit(date.fromisoformat(self.job.date)))
        if not is_table(place):
            frame.write.mode("overwrite").partitionBy(output.DATE).parquet(location(place))
        elif self.spark.catalog.tableExists(place):
            columns = [f"`{name.replace('`', '``')}`" for name in self.spark.table(place).columns]
            frame.select(columns).write.mode("overwrite").insertInto(place)  # which goes by their order
        else:
            frame.write.partitionBy(output.DATE).saveAsTable(place)


def _counts() -> list[Any]:
    from pyspark.sql import functions as F  # noqa: N812

    states = {"scored": GOOD, "bad": BAD, "skipped": SKIPPED}
    counted = [F.sum((F.col(STATE) == state).cast("long")).alias(name) for name, state in states.items()]
    return [F.count(F.lit(1)).alias("read"), *counted]


def _outcome(counts: dict[str, int | None]) -> Outcome:
    return Outcome(**{name: count or 0 for name, count in counts.items()})


def _packed(job: Job, folder: Path) -> Path:
    """An archive of what a Python worker needs: the version's files, and its code with this package over it."""
    content = folder / "content"
    shutil.copytree(job.code, content / "code", ignore=shutil.ignore_patterns("__pycache__"))
    (content / "version").mkdir()
    for name in (config.MODEL.name, str(config.PARAMS), str(config.CONTRACT)):
        shutil.copy(Path(job.folder, name), content / "version")
    return Path(shutil.make_archive(str(folder / ARCHIVE), "zip", content))
