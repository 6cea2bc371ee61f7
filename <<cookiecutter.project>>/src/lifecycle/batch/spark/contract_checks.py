"""contract.yaml held against a table on Spark, by pandera's PySpark backend, with the verdicts that pandas' gives.

That backend raises nothing: what it finds is read from the table it returns. It has no checks of a whole column, and none
of uniqueness that leaves nulls out; those are this project's, computed by Spark.
"""

import warnings
from collections.abc import Callable
from typing import Any

import pandera.pandas as pa

from lifecycle.batch.coerce import NULLS
from lifecycle.core import contract
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError

_SPARK = {
    "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float32": "float", "float64": "double",
    "bool": "boolean", "boolean": "boolean",
}  # fmt: skip
_NO_NULLS = ("int8", "int16", "int32", "int64", "bool")
MOST = 1000  # classes of a target that are looked at

Record = tuple[str, str, bool]


def validate(table: Any, schema: pa.DataFrameSchema) -> list[dict[str, Any]]:
    """Hold a Spark DataFrame against every check of the contract.

    Args:
        table: columns of any type; each is read as the contract types it, and that is a check of its own.
        schema: the contract, as `contract.load` reads it.

    Returns:
        One record per check as `contract.validate` returns them, without examples, failed ones first.
    """
    if schema.checks or schema.unique:
        raise DataError("contract.yaml: checks of the table as a whole, and of several columns, are not known on Spark")
    found = list(table.columns)
    records = [
        (name, "column_in_dataframe", name in found) for name, column in schema.columns.items() if column.required
    ]
    if schema.strict:
        records += [(name, "column_in_schema", False) for name in found if name not in schema.columns]
    there = {name: column for name, column in schema.columns.items() if name in found}
    typed, fitting = _typed(table, there)
    records += fitting + _nulls_and_keys(typed, there) + _of_columns(typed, there) + _of_rows(typed, there)
    said = {(name, check) for name, check, _ in records}
    # What concerns a column that is not there is neither here nor in pandas a failure of its own.
    records += [
        (name, check, True) for name, check in contract.every_check(schema) if name and (name, check) not in said
    ]
    content = [
        {"column": name, "check": check, "passed": bool(good), "failures": 0 if good else 1, "examples": []}
        for name, check, good in records
    ]
    return sorted(content, key=lambda record: bool(record["passed"]))


def report(path: str, master: str | None, schema: pa.DataFrameSchema, params: Params) -> list[dict[str, Any]]:
    """Return what `validate` says of a file, a folder or a table, and whether its target fits the task.

    Raises DataError if it cannot be read.
    """
    from pyspark.sql import functions as F  # noqa: N812

    from lifecycle.batch.input_files import is_csv
    from lifecycle.batch.spark.session import is_table, reader, session

    warnings.simplefilter("ignore")  # of PySpark, about versions of pandas
    with session(master, path) as spark:
        if is_table(path):
            table = spark.read.table(path)
        else:
            read, places = reader(spark, path)
            if is_csv(places[0]):
                table = read.csv(places, header=True, escape='"', multiLine=True, enforceSchema=False, mode="FAILFAST")
                null = NULLS.to_pylist()
                table = table.select(
                    *[F.when(~_column(name).isin(null), _column(name)).alias(name) for name in table.columns]
                )
            else:
                table = read.parquet(*places)
        checks = validate(table, schema)
        if params.data.target in table.columns:
            checks.append(_target(table, schema, params))
    return sorted(checks, key=lambda record: bool(record["passed"]))


def _column(name: str) -> Any:
    from pyspark.sql import functions as F  # noqa: N812

    return F.col(f"`{name.replace('`', '``')}`")


def _kind(column: Any) -> str:
    name = str(column.dtype).lower()
    return "timestamp" if name.startswith("datetime64") else _SPARK.get(name, "string")


def _typed(table: Any, columns: dict[str, Any]) -> tuple[Any, list[Record]]:
    """The columns as the contract types them, named by their place, and whether all values could be read so."""
    from pyspark.sql import functions as F  # noqa: N812

    kinds = dict(table.dtypes)
    values, misfits = [], []
    for place, (name, column) in enumerate(columns.items()):
        given, kind = _column(name), _kind(column)
        if kinds[name] in ("float", "double"):  # null to pandas
            given = F.when(~F.isnan(given), given)
        value = given.try_cast(kind)
        misfit = given.isNotNull() & value.isNull()
        if kind.endswith("int") and kinds[name].startswith(("float", "double", "decimal")):  # Spark cuts fractions off
            misfit |= given != value
        if str(column.dtype) in _NO_NULLS:
            misfit |= value.isNull()
        if kind in ("float", "double"):
            value = F.when(~F.isnan(value), value)
        values.append(value.alias(f"c{place}"))
        misfits.append(F.count_if(misfit).alias(f"c{place}"))
    counts = table.agg(*misfits).first() if misfits else []
    fitting = [
        (name, f"dtype('{column.dtype}')", not count)
        for (name, column), count in zip(columns.items(), counts, strict=True)
    ]
    return table.select(*values), fitting


def _nulls_and_keys(table: Any, columns: dict[str, Any]) -> list[Record]:
    """`not_nullable` and `field_uniqueness`, for which all columns take one pass each way."""
    from pyspark.sql import functions as F  # noqa: N812

    places = {name: f"c{place}" for place, name in enumerate(columns)}
    strict = [name for name, column in columns.items() if not column.nullable]
    nulls = table.agg(*[F.count_if(F.col(places[name]).isNull()) for name in strict]).first() if strict else []
    records = [(name, "not_nullable", count == 0) for name, count in zip(strict, nulls, strict=True)]
    for name in [name for name, column in columns.items() if column.unique]:
        repeated = table.groupBy(places[name]).count().filter(F.col("count") > 1).limit(1).count()
        records.append((name, "field_uniqueness", repeated == 0))
    return records


def _of_columns(table: Any, columns: dict[str, Any]) -> list[Record]:
    """The checks of a whole column: their figures in one pass, held against the bounds as pandas' are."""
    from pyspark.sql import functions as F  # noqa: N812

    kinds = dict(table.dtypes)

    def mean(name: str) -> Any:
        return F.lit(None) if kinds[name] in ("string", "timestamp") else F.avg(F.col(name).cast("double"))

    figures: dict[str, Callable[[str], Any]] = {
        "mean_between": mean,
        "unique_share_between": lambda name: F.count_distinct(name) / F.greatest(F.count(name), F.lit(1)),
        "null_share_at_most": lambda name: F.count_if(F.col(name).isNull()) / F.count(F.lit(1)),
    }
    checks = [
        (f"c{place}", name, check)
        for place, (name, column) in enumerate(columns.items())
        for check in column.checks
        if check.name in figures
    ]
    row = table.agg(*[figures[check.name](place) for place, _, check in checks]).first() if checks else []
    records = []
    for value, (_, name, check) in zip(row, checks, strict=True):
        figure = float("nan") if value is None else float(value)
        low, high = check.statistics.get("min_value", float("-inf")), check.statistics["max_value"]
        records.append((name, str(check.error), low <= figure <= high))
    return records


def _of_rows(table: Any, columns: dict[str, Any]) -> list[Record]:
    """The checks of single values, by pandera; its silence is read, and a check it did not run is a failure."""
    import pandera.pyspark as ps
    from pandera.config import ValidationDepth, config_context

    records = []
    for place, (name, column) in enumerate(columns.items()):
        for check in [check for check in column.checks if check.name not in contract.COLUMN_CHECKS]:
            maker = getattr(ps.Check, check.name, None)
            if maker is None:
                raise DataError(f"contract.yaml: column {name}: check {check.name} is not known on Spark")
            kind = table.schema[place].dataType
            single = ps.DataFrameSchema({f"c{place}": ps.Column(kind, [maker(**check.statistics)], nullable=True)})
            with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
                held = single.validate(table.select(f"c{place}")).pandera.errors
            records.append((name, str(check.error), not held))
    return records


def _target(table: Any, schema: pa.DataFrameSchema, params: Params) -> dict[str, Any]:
    """Whether the target fits the task, as `validate` of the pipeline says it."""
    from lifecycle.core.target import fits_task

    kind = _kind(schema.columns[params.data.target])
    target = table.select(_column(params.data.target).try_cast(kind).alias("target"))
    values = [row[0] for row in target.dropna().distinct().limit(MOST).collect()] if params.task != "regression" else []
    number = f"{kind}, not a number" if kind in ("string", "timestamp") else ""
    return fits_task(params, target.count(), target.filter("target is null").count(), values, number)
