"""contract.yaml held against a table on Spark, by pandera's PySpark backend, with the verdicts that pandas' gives.

That backend raises nothing: what it finds is read from the table it returns. It has no checks of a whole column, and none
of uniqueness that leaves nulls out; those are this project's, computed by Spark.
"""

from collections.abc import Callable
from typing import Any

import pandera.pandas as pa

from << cookiecutter.package >> import contract
from << cookiecutter.package >>.errors import DataError

_SPARK = {
    "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float32": "float", "float64": "double",
    "bool": "boolean", "boolean": "boolean",
}  # fmt: skip


def validate(table: Any, schema: pa.DataFrameSchema) -> list[dict[str, Any]]:
    """Hold a Spark DataFrame against every check of the contract.

    Args:
        table: columns of any type; each is held against the contract's type first.
        schema: the contract, as `contract.load` reads it.

    Returns:
        One record per check as `contract.validate` returns them, without examples, failed ones first.
    """
    from pyspark.sql import functions as F  # noqa: N812

    if schema.checks or schema.unique:
        raise DataError("contract.yaml: checks of the table as a whole, and of several columns, are not known on Spark")
    found = {name: str(kind) for name, kind in table.dtypes}
    records = [
        (name, "column_in_dataframe", name in found) for name, column in schema.columns.items() if column.required
    ]
    if schema.strict:
        records += [(name, "column_in_schema", False) for name in found if name not in schema.columns]
    there = {name: column for name, column in schema.columns.items() if name in found}
    for name, column in there.items():
        records.append((name, f"dtype('{column.dtype}')", _fits(found[name], str(column.dtype))))
        if found[name] in ("float", "double"):  # null to pandas
            table = table.withColumn(name, F.when(F.isnan(F.col(name)), None).otherwise(F.col(name)))
    records += _nulls_and_keys(table, there) + _of_columns(table, there) + _of_rows(table, there)
    said = {(name, check) for name, check, _ in records}
    # What concerns a column that is not there is neither here nor in pandas a failure of its own.
    records += [(name, check, True) for name, check in contract._checks(schema) if name and (name, check) not in said]
    content = [
        {"column": name, "check": check, "passed": bool(good), "failures": 0 if good else 1, "examples": []}
        for name, check, good in records
    ]
    return sorted(content, key=lambda record: bool(record["passed"]))


def report(path: str, master: str | None, schema: pa.DataFrameSchema) -> list[dict[str, Any]]:
    """Return what `validate` says of a file, a folder or a table. Raises DataError if it cannot be read."""
    from << cookiecutter.package >>.batch.session import is_table, location, session

    with session(master, path) as spark:
        if is_table(path):
            table = spark.read.table(path)
        elif path.endswith((".csv", ".csv.gz")):
            table = spark.read.csv(location(path), header=True, escape='"', multiLine=True)
            kinds = {
                name: _SPARK.get(str(schema.columns[name].dtype).lower())
                for name in table.columns
                if name in schema.columns
            }
            table = table.withColumns({name: table[f"`{name}`"].cast(kind) for name, kind in kinds.items() if kind})
        else:
            table = spark.read.parquet(location(path))
        return validate(table, schema)


def _fits(found: str, wanted: str) -> bool:
    if wanted.startswith("datetime64"):
        return found in ("timestamp", "timestamp_ntz")
    return found == _SPARK.get(wanted.lower(), "string")


def _nulls_and_keys(table: Any, columns: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """`not_nullable` and `field_uniqueness`, for which all columns take one pass each way."""
    from pyspark.sql import functions as F  # noqa: N812

    strict = [name for name, column in columns.items() if not column.nullable]
    nulls = table.agg(*[F.count_if(F.col(name).isNull()).alias(name) for name in strict]).first() if strict else {}
    records = [(name, "not_nullable", nulls[name] == 0) for name in strict]
    for name in [name for name, column in columns.items() if column.unique]:
        repeated = table.groupBy(name).count().filter(F.col("count") > 1).limit(1).count()
        records.append((name, "field_uniqueness", repeated == 0))
    return records


def _of_columns(table: Any, columns: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """The checks of a whole column: their figures in one pass, held against the bounds as pandas' are."""
    from pyspark.sql import functions as F  # noqa: N812

    figures: dict[str, Callable[[str], Any]] = {
        "mean_between": lambda name: F.avg(name) if dict(table.dtypes)[name] != "string" else F.lit(None),
        "unique_share_between": lambda name: F.count_distinct(name) / F.greatest(F.count(name), F.lit(1)),
        "null_share_at_most": lambda name: F.count_if(F.col(name).isNull()) / F.count(F.lit(1)),
    }
    checks = [(name, check) for name, column in columns.items() for check in column.checks if check.name in figures]
    if not checks:
        return []
    row = table.agg(
        *[figures[check.name](name).alias(str(place)) for place, (name, check) in enumerate(checks)]
    ).first()
    records = []
    for place, (name, check) in enumerate(checks):
        figure = float("nan") if row[place] is None else float(row[place])
        low, high = check.statistics.get("min_value", float("-inf")), check.statistics["max_value"]
        records.append((name, str(check.error), low <= figure <= high))
    return records


def _of_rows(table: Any, columns: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """The checks of single values, by pandera; its silence is read, and a check it did not run is a failure."""
    import pandera.pyspark as ps
    from pandera.config import ValidationDepth, config_context

    records = []
    for name, column in columns.items():
        for check in [check for check in column.checks if check.name not in contract.COLUMN_CHECKS]:
            maker = getattr(ps.Check, check.name, None)
            if maker is None:
                raise DataError(f"contract.yaml: column {name}: check {check.name} is not known on Spark")
            kind = table.schema[name].dataType
            single = ps.DataFrameSchema({name: ps.Column(kind, [maker(**check.statistics)], nullable=True)})
            with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
                held = single.validate(table.select(name)).pandera.errors
            records.append((name, str(check.error), not held))
    return records
