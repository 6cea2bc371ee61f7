"""Checks that Spark cannot run, run as the pipeline runs them: by pandas, on one column at a time, which is brought to the driver."""

from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from lifecycle.batch.input_files import error_text
from lifecycle.batch.spark.check_records import Record, not_run, record
from lifecycle.core.arrow_types import NO_NULLS

MAX_ROWS = 20_000_000  # of a column that is brought to the driver: 160 MB of numbers, several times that of texts


def check_on_driver(table: Any, position: str, column: pa.Column, checks: list[pa.Check]) -> list[Record]:
    """Run checks of a column on the driver. A check that cannot be run has failed, and its record says why it was not run.

    Args:
        table: a Spark DataFrame with the contract's types.
        position: the name of the column in it.
        column: the contract's column.
        checks: those of its checks to run.
    """
    try:
        values = _fetch(table, position, str(column.dtype))
    except _NotRunError as error:
        return [not_run(column.name, str(check.error), str(error)) for check in checks]
    return [_run(check, column.name, values) for check in checks]


class _NotRunError(Exception):
    """Why the checks of a column cannot be run."""


def _fetch(table: Any, position: str, dtype: str) -> pd.Series:
    """Return a column with the contract's dtype, as the pipeline reads it from a file. Raises _NotRunError."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        rows = table.count()
        if rows > MAX_ROWS:
            raise _NotRunError(
                f"it needs the whole column on the driver, and {rows:,} rows are more than the {MAX_ROWS:,} allowed there; "
                "validate a sample, or use --engine local"
            )
        values = table.select(position).toArrow().column(0)
    except (PySparkException, Py4JError) as error:
        raise _NotRunError(f"the column cannot be brought to the driver: {error_text(error)}") from None
    if values.null_count and dtype in NO_NULLS:
        raise _NotRunError(f"the column has values that are missing or not {dtype}")
    try:
        if dtype == "category":
            values = values.dictionary_encode()
        elif arrow.types.is_timestamp(values.type):
            values = values.cast(arrow.timestamp("ns", "UTC" if "," in dtype else None))
        series: pd.Series = values.to_pandas().astype(dtype)
        return series
    except (arrow.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise _NotRunError(f"the column cannot be converted to {dtype}: {error_text(error)}") from None


def _run(check: pa.Check, name: str, values: pd.Series) -> Record:
    try:
        passed = bool(check(values).check_passed) or check.raise_warning
    except Exception as error:  # whatever a check of the user's raises
        return not_run(name, str(check.error), f"{type(error).__name__}: {error_text(error)}")
    return record(name, str(check.error), passed)
