"""A first contract.yaml for a table that has none."""

import pandas as pd
import pandera.pandas as pa

MAX_CATEGORIES = 30  # a text column with more distinct values stays text


def draft(frame: pd.DataFrame) -> str:
    """Return a first contract for a table, as YAML: the types, ranges, categories and keys that it has now."""
    table = frame.copy()
    for name in table.select_dtypes(["object", "string"]):
        if table[name].nunique() <= MAX_CATEGORIES:
            table[name] = table[name].astype("category")
    schema = pa.infer_schema(table)
    schema.index = None
    schema.strict, schema.coerce = True, False
    for name, column in schema.columns.items():
        column.unique = str(column.dtype).startswith(("str", "int")) and table[name].is_unique
        if column.unique:
            column.checks = []  # the range of present keys does not limit new ones
    return f"# A draft from one table: loosen what is accidental, tighten what must never change.\n{schema.to_yaml()}"
