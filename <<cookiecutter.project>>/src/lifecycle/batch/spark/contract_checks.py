"""A table on Spark validated against contract.yaml, with the same verdicts as pandas gives.

Spark computes what it can: types, nulls, uniqueness, this project's figures of a column, and pandera's checks of single
values, by pandera's PySpark backend. All other checks, among them those in the user's checks.py, are run by pandas on the driver.
"""

import warnings
from collections.abc import Callable
from typing import Any

import pandera.pandas as pa

from lifecycle.batch.row_contract import WHOLE_COLUMN
from lifecycle.batch.spark.check_records import Record, not_run, record
from lifecycle.batch.spark.driver_checks import check_on_driver
from lifecycle.batch.spark.typed_columns import column_of, spark_type, typed_columns
from lifecycle.core import contract
from lifecycle.core.column_checks import USER_CHECKS
from lifecycle.core.config import PARAMS, Csv, Params
from lifecycle.core.csv_format import null_spellings
from lifecycle.core.errors import ConfigError

FIGURE_CHECKS = {"mean_between", "unique_share_between", "null_share_at_most"}
MAX_CLASSES = 1000  # distinct values of a target that are looked at


def report(
    path: str, master: str | None, conf: dict[str, str], schema: pa.DataFrameSchema, params: Params
) -> list[Record]:
    """Validate a file, a folder or a table, and check that its target fits the task.

    Args:
        path: a path, an address or DATABASE.TABLE.
        master, conf: Spark's master, None for this machine, and further settings of its session.
        schema: the contract.
        params: name the target and the task.

    Returns:
        The records of all checks, failed ones first. Raises DataError if the table cannot be read.
    """
    from lifecycle.batch.spark.session import session

    warnings.simplefilter("ignore")  # PySpark's, about versions of pandas
    with session(master, path, conf=conf) as spark:
        table = _read(spark, path, params.data.csv, schema)
        if params.data.unlabelled and params.data.target in table.columns:
            table = table.filter(column_of(params.data.target).isNotNull())
        if params.data.id_from:  # whose column the table does not have
            schema = schema.remove_columns([params.data.id])
        _refuse_formats(table, path, params)
        checks = validate(table, schema)
        if params.data.target in table.columns:
            checks.append(_check_target(table, schema, params))
    return sorted(checks, key=lambda check: bool(check["passed"]))


def validate(table: Any, schema: pa.DataFrameSchema) -> list[Record]:
    """Run every check of the contract on a Spark DataFrame.

    Args:
        table: columns of any type; each is converted to the contract's, which is a check of its own.
        schema: the contract, as `contract.load` returns it.

    Returns:
        One record per check as `contract.validate` returns them, without examples, failed ones first. A check that was
        not run is a failure, unless its column is absent, which pandas does not report either.
    """
    present = {name: column for name, column in schema.columns.items() if name in table.columns}
    required = [name for name, column in schema.columns.items() if column.required]
    records = [record(name, "column_in_dataframe", name in present) for name in required]
    if schema.strict:
        records += [record(name, "column_in_schema", False) for name in table.columns if name not in schema.columns]
    typed, of_types = typed_columns(table, present)
    records += of_types + _check_nulls_and_keys(typed, present) + _check_figures(typed, present)
    for position, column in enumerate(present.values()):
        records += _check_values(typed, f"c{position}", column)
    run = {(check["column"], check["check"]) for check in records}
    for name, check in contract.every_check(schema):
        if (name, check) not in run:
            absent = name is not None and name not in present
            records.append(record(name, check, True) if absent else not_run(name, check, "Spark has no such check"))
    if schema.unique:
        records.append(not_run(None, f"unique({schema.unique})", "Spark does not check several columns together"))
    return sorted(records, key=lambda check: bool(check["passed"]))


def _refuse_formats(table: Any, path: str, params: Params) -> None:
    kinds = dict(table.dtypes)
    if texts := [name for name in params.data.formats if kinds.get(name) == "string"]:
        raise ConfigError(
            f"{path}: column {texts[0]} has a format in {PARAMS} (data.formats), which Spark cannot read: use --engine local"
        )


def _read(spark: Any, path: str, form: Csv, schema: pa.DataFrameSchema) -> Any:
    from pyspark.sql import functions as F  # noqa: N812

    from lifecycle.batch.input_files import is_csv
    from lifecycle.batch.spark.session import csv_options, is_table, reader

    if is_table(path):
        return spark.read.table(path)
    read, files = reader(spark, path)
    if not is_csv(files[0]):
        return read.parquet(*files)
    table = read.csv(files, mode="FAILFAST", **csv_options(form))
    numbers = [name for name, column in schema.columns.items() if spark_type(column) in ("float", "double")]
    columns = []
    for name in table.columns:
        text = column_of(name)
        value = F.translate(text, ".,", "?.") if form.decimal == "," and name in numbers else text
        columns.append(F.when(~text.isin(null_spellings(form)), value).alias(name))
    return table.select(*columns)


def _check_nulls_and_keys(table: Any, columns: dict[str, pa.Column]) -> list[Record]:
    """Run `not_nullable` for all columns in one pass, and `field_uniqueness`."""
    from pyspark.sql import functions as F  # noqa: N812

    positions = {name: f"c{position}" for position, name in enumerate(columns)}
    strict = [name for name, column in columns.items() if not column.nullable]
    nulls = table.agg(*[F.count_if(F.col(positions[name]).isNull()) for name in strict]).first() if strict else []
    records = [record(name, "not_nullable", count == 0) for name, count in zip(strict, nulls, strict=True)]
    for name in [name for name, column in columns.items() if column.unique]:
        repeated = table.groupBy(positions[name]).count().filter(F.col("count") > 1).limit(1).count()
        records.append(record(name, "field_uniqueness", repeated == 0))
    return records


def _check_figures(table: Any, columns: dict[str, pa.Column]) -> list[Record]:
    """Run this project's checks of a whole column, whose figures take one pass."""
    from pyspark.sql import functions as F  # noqa: N812

    types = dict(table.dtypes)

    def mean(name: str) -> Any:
        return F.lit(None) if types[name] in ("string", "timestamp") else F.avg(F.col(name).cast("double"))

    figures: dict[str, Callable[[str], Any]] = {
        "mean_between": mean,
        "unique_share_between": lambda name: F.count_distinct(name) / F.greatest(F.count(name), F.lit(1)),
        "null_share_at_most": lambda name: F.count_if(F.col(name).isNull()) / F.count(F.lit(1)),
    }
    checks = [
        (f"c{position}", name, check)
        for position, (name, column) in enumerate(columns.items())
        for check in column.checks
        if check.name in FIGURE_CHECKS
    ]
    row = table.agg(*[figures[check.name](position) for position, _, check in checks]).first() if checks else []
    records = []
    for value, (_, name, check) in zip(row, checks, strict=True):
        figure = float("nan") if value is None else float(value)
        low, high = check.statistics.get("min_value", float("-inf")), check.statistics["max_value"]
        records.append(record(name, str(check.error), low <= figure <= high))
    return records


def _check_values(table: Any, position: str, column: pa.Column) -> list[Record]:
    """Run the other checks of a column: on Spark where pandera can, else on the driver."""
    records, on_driver = [], []
    for check in [check for check in column.checks if check.name not in FIGURE_CHECKS]:
        passed = None if check.name in (*USER_CHECKS, WHOLE_COLUMN) else _passes_on_spark(table, position, check)
        if passed is None:
            on_driver.append(check)
        else:
            records.append(record(column.name, str(check.error), passed))
    return records + (check_on_driver(table, position, column, on_driver) if on_driver else [])


def _passes_on_spark(table: Any, position: str, check: pa.Check) -> bool | None:
    """Return the verdict of pandera's PySpark backend, or None if it cannot run the check on this column.

    The backend raises nothing about the data: its verdict is read from the table that it returns.
    """
    import pandera.pyspark as ps
    from pandera.config import ValidationDepth, config_context

    make = getattr(ps.Check, check.name, None)
    if make is None or not check.ignore_na or check.raise_warning or check.element_wise or check.groupby:
        return None
    column = ps.Column(table.schema[position].dataType, [make(**check.statistics)], nullable=True)
    try:
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            errors = ps.DataFrameSchema({position: column}).validate(table.select(position)).pandera.errors
    except TypeError:  # the backend has the check, but not for columns of this type
        return None
    return None if "CHECK_ERROR" in errors.get("DATA", {}) else not errors


def _check_target(table: Any, schema: pa.DataFrameSchema, params: Params) -> Record:
    """Check that the target fits the task, as the pipeline's `validate` does."""
    from lifecycle.core.target import fits_task

    kind = spark_type(schema.columns[params.data.target])
    target = table.select(column_of(params.data.target).try_cast(kind).alias("target"))
    is_class = params.task != "regression"
    values = [row[0] for row in target.dropna().distinct().limit(MAX_CLASSES).collect()] if is_class else []
    number = f"{kind}, not a number" if kind in ("string", "timestamp") else ""
    return fits_task(params, target.count(), target.filter("target is null").count(), values, number)
