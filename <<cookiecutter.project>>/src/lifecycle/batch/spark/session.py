"""A Spark session for a run, and Spark's failures as errors of one line."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lifecycle.batch.input_files import input_files
from lifecycle.batch.output import NOTHING_WRITTEN
from lifecycle.core.config import Csv
from lifecycle.core.errors import ConfigError, DataError

SETTINGS = {
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.caseSensitive": "true",  # as in Parquet files
    "spark.sql.legacy.javaCharsets": "true",  # or it reads no windows-1252
    "spark.sql.csv.parser.columnPruning.enabled": "false",  # otherwise lines with too few values go unnoticed
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    "spark.python.worker.reuse": "true",  # a worker loads the model once
    "spark.log.level": "OFF",  # a failure is reported in one line; the rest is in Spark's own logs
}


class SparkError(ConfigError):
    """Spark itself fails, and not because of the table."""


ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "latin-1": "ISO-8859-1", "cp1252": "windows-1252"}  # Java's names


def csv_options(form: Csv) -> dict[str, Any]:
    """Return the options with which Spark reads a CSV file."""
    return {
        "header": True,
        "sep": form.separator,
        "encoding": ENCODINGS[form.encoding],
        "escape": '"',
        "multiLine": True,
        "enforceSchema": False,
    }


def is_table(name: str) -> bool:
    """Whether a name is DATABASE.TABLE, and not a path."""
    return (
        bool(re.fullmatch(r"\w+(\.\w+){1,2}", name))
        and not name.endswith((".parquet", ".csv"))
        and not Path(name).exists()
    )


def quoted(name: str) -> str:
    """Return a column's name in Spark's quotes, whatever characters it has."""
    return f"`{name.replace('`', '``')}`"


def location(path: str) -> str:
    """Return a path with its scheme, without which Spark may look for it in the cluster's own filesystem."""
    return path if "://" in path else f"file://{Path(path).resolve()}"


def reader(spark: Any, source: str) -> tuple[Any, list[str]]:
    """Return Spark's reader for a table and its files, listed one by one because Spark ignores folders that are no partition.

    Raises DataError or ConfigError as `input_files` does.
    """
    if "://" in source:
        return spark.read, [source]
    # Escaped, because Spark takes names as patterns.
    files = [re.sub(r"([\\{}\[\]*?])", r"\\\1", location(str(file))) for file in input_files(source)]
    return (spark.read.option("basePath", location(source)) if Path(source).is_dir() else spark.read), files


@contextmanager
def session(
    master: str | None, source: str, output: str = "", batch_rows: int = 10_000, conf: Mapping[str, str] | None = None
) -> Iterator[Any]:
    """Yield a session. A failure of Spark's in the block is raised as a DataError or ConfigError of one line.

    Args:
        master: Spark's; None for this machine.
        source: the table that is read.
        output: the one that is written, if any.
        batch_rows: the most rows in a batch that goes to Python.
        conf: further settings of the session.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    master = master or "local[*]"
    # Also if it is empty: pandera would set an address at which a cluster cannot reach this machine.
    if not os.environ.get("SPARK_LOCAL_IP"):
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        if not master.startswith("local"):
            del os.environ["SPARK_LOCAL_IP"]
    builder = SparkSession.builder.appName(f"score {Path(source).name}").master(master)
    for name, value in {**(conf or {}), **SETTINGS}.items():
        builder = builder.config(name, value)
    builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", batch_rows)
    builder = builder.config("spark.pyspark.python", sys.executable)
    if master.startswith("local"):
        builder = builder.config("spark.ui.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower())
    spark = None
    try:
        spark = builder.getOrCreate()
        yield spark
    except (PySparkException, Py4JError) as error:
        raise _explained(str(error), master, source, output) from None
    finally:
        if spark:
            spark.stop()


def _explained(message: str, master: str, source: str, output: str) -> DataError | ConfigError:
    if "No space left on device" in message:
        return DataError(f"{output}: No space left on device; {NOTHING_WRITTEN}")
    if match := re.search(r"\[FAILED_READ_FILE[^]]*\].*?(file:\S+?|\w+://\S+?)[.,]?\s", message):
        return DataError(f"{match[1].removeprefix('file://')}: cannot be read; {NOTHING_WRITTEN}")
    if "[PATH_NOT_FOUND]" in message or "[TABLE_OR_VIEW_NOT_FOUND]" in message:
        return ConfigError(f"{source}: no such table, file or folder")
    if match := re.search(r"\.DataError: (.*)", message):  # raised in a worker
        return DataError(f"{source}: {match[1].strip()}; {NOTHING_WRITTEN}")
    if "masters are unresponsive" in message:
        return SparkError(f"--master {master}: does not answer; {NOTHING_WRITTEN}")
    causes = re.findall(r"^(?:Caused by: )?[\w.]*(?:Error|Exception): .*$", message, flags=re.MULTILINE)
    return SparkError(f"Spark failed: {' '.join((causes[-1] if causes else message).split())[:300]}; {NOTHING_WRITTEN}")
