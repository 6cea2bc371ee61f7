"""A first contract.yaml for a table that has none."""

import pandas as pd
import pandera.pandas as pa

MAX_CATEGORIES = 30  # texts with more values than this stay texts


def draft(frame: pd.DataFrame) -> str:
    """Return a first contract for a table, as YAML: every type, range, set of categories and key as they are now.

    A person has to tighten what is loose and loosen what is accidental.
    """
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
            column.checks = []  # the range of a key says nothing of the next one
    return (
        "# A draft, from one table: loosen what is an accident of it, tighten what must never change.\n"
        + schema.to_yaml()
    )
