"""A Spark session for a run, and what Spark's failures mean."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lifecycle.batch.input_files import parts
from lifecycle.batch.output import NOTHING
from lifecycle.core.errors import ConfigError, DataError

SETTINGS = {
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.caseSensitive": "true",  # as in files
    "spark.sql.csv.parser.columnPruning.enabled": "false",  # else lines with too few values pass unnoticed
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    "spark.python.worker.reuse": "true",  # a worker loads the model once
    "spark.log.level": "OFF",  # what fails is said in one line; the rest is in Spark's own logs
}


def is_table(name: str) -> bool:
    """Whether a name is that of a table, DATABASE.TABLE, and not a path."""
    return (
        bool(re.fullmatch(r"\w+(\.\w+){1,2}", name))
        and not name.endswith((".parquet", ".csv"))
        and not Path(name).exists()
    )


def location(path: str) -> str:
    """Return a path as Spark takes it, which else may look for it in the cluster's own filesystem."""
    return path if "://" in path else f"file://{Path(path).resolve()}"


def reader(spark: Any, source: str) -> tuple[Any, list[str]]:
    """Return what reads a table's files, and their names: one by one, for Spark would pass over folders that are no partition.

    Raises DataError or ConfigError as `parts` does.
    """
    if "://" in source:
        return spark.read, [source]
    files = [re.sub(r"([\\{}\[\]*?])", r"\\\1", location(str(file))) for file in parts(source)]  # no pattern
    return (spark.read.option("basePath", location(source)) if Path(source).is_dir() else spark.read), files


@contextmanager
def session(master: str | None, source: str, output: str = "", rows: int = 10_000) -> Iterator[Any]:
    """Yield a session. Raises DataError or ConfigError with one line for what fails in the block because of Spark.

    Args:
        master: Spark's; this machine if it is None.
        source: the table that is read.
        output: the one that is written, if any.
        rows: in a batch that goes to Python.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    master = master or "local[*]"
    if not os.environ.get("SPARK_LOCAL_IP"):  # empty, or pandera sets one by which a cluster could not answer
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        if not master.startswith("local"):
            del os.environ["SPARK_LOCAL_IP"]
    builder = SparkSession.builder.appName(f"score {Path(source).name}").master(master)
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", rows)
    builder = builder.config("spark.pyspark.python", sys.executable)
    if master.startswith("local"):
        builder = builder.config("spark.ui.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower())
    spark = None
    try:
        spark = builder.getOrCreate()
        yield spark
    except (PySparkException, Py4JError) as error:
        raise _meaning(str(error), master, source, output) from None
    finally:
        if spark:
            spark.stop()


def _meaning(message: str, master: str, source: str, output: str) -> DataError | ConfigError:
    if "No space left on device" in message:
        return DataError(f"{output}: No space left on device; {NOTHING}")
    if found := re.search(r"\[FAILED_READ_FILE[^]]*\].*?(file:\S+?|\w+://\S+?)[.,]?\s", message):
        return DataError(f"{found[1].removeprefix('file://')}: cannot be read; {NOTHING}")
    if "[PATH_NOT_FOUND]" in message or "[TABLE_OR_VIEW_NOT_FOUND]" in message:
        return ConfigError(f"{source}: no such table, file or folder")
    if found := re.search(r"\.DataError: (.*)", message):  # of a worker
        return DataError(f"{source}: {found[1].strip()}; {NOTHING}")
    if "masters are unresponsive" in message:
        return ConfigError(f"--master {master}: does not answer; {NOTHING}")
    causes = re.findall(r"^(?:Caused by: )?[\w.]*(?:Error|Exception): .*$", message, flags=re.MULTILINE)
    return ConfigError(f"Spark failed: {' '.join((causes[-1] if causes else message).split())[:300]}; {NOTHING}")
