"""The columns of a table on Spark, converted to the contract's types."""

from typing import Any

import pandera.pandas as pa

from lifecycle.batch.spark.check_records import Record, record
from lifecycle.batch.spark.session import quoted
from lifecycle.core.arrow_types import NO_NULLS

_SPARK_TYPES = {
    "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float32": "float", "float64": "double",
    "bool": "boolean", "boolean": "boolean",
}  # fmt: skip


def column_of(name: str) -> Any:
    """Return Spark's column of a name, whatever characters the name has."""
    from pyspark.sql import functions as F  # noqa: N812

    return F.col(quoted(name))


def spark_type(column: pa.Column) -> str:
    """Return the type on Spark of a column of the contract."""
    dtype = str(column.dtype).lower()
    return "timestamp" if dtype.startswith("datetime64") else _SPARK_TYPES.get(dtype, "string")


def typed_columns(table: Any, columns: dict[str, pa.Column]) -> tuple[Any, list[Record]]:
    """Convert columns to the contract's types.

    Args:
        table: a Spark DataFrame.
        columns: the contract's columns to convert, by name; the table has all of them.

    Returns:
        A Spark DataFrame of these columns, named c0, c1, ... in their order, in which values that do not fit are null;
        and a record per column: whether all its values fit.
    """
    from pyspark.sql import functions as F  # noqa: N812

    given_types = dict(table.dtypes)
    values, misfits = [], []
    for position, (name, column) in enumerate(columns.items()):
        raw, kind = column_of(name), spark_type(column)
        if given_types[name] in ("float", "double"):  # NaN is null to pandas
            raw = F.when(~F.isnan(raw), raw)
        value = raw.try_cast(kind)
        if kind.endswith("int") and given_types[name].startswith(("float", "double", "decimal")):
            value = F.when(raw == value, value)  # Spark truncates
        misfit = raw.isNotNull() & value.isNull()
        if str(column.dtype) in NO_NULLS:
            misfit |= value.isNull()
        if kind in ("float", "double"):
            value = F.when(~F.isnan(value), value)
        values.append(value.alias(f"c{position}"))
        misfits.append(F.count_if(misfit).alias(f"c{position}"))
    counts = table.agg(*misfits).first() if misfits else []
    records = [
        record(name, f"dtype('{column.dtype}')", not count)
        for (name, column), count in zip(columns.items(), counts, strict=True)
    ]
    return table.select(*values), records
