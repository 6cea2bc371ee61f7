"""The reference: held-out rows as a server would have logged them, with the model's answers and what became of them.

`evaluate` writes it and `track` logs it with the model, so that each version carries its own and monitoring needs no
training data. A Parquet file with the fields of a line of the prediction log: `inputs.<column>` for every column that the
model is given; `probability`, `probabilities.<class>` or `prediction`; and `actual`.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import replacing

INPUTS, PROBABILITIES, ACTUAL = "inputs.", "probabilities.", "actual"


def reference(frame: pd.DataFrame, predictions: pd.DataFrame, inputs: Iterable[str], params: Params) -> arrow.Table:
    """Return a seeded sample of held-out rows, as many as evaluate.reference of params.yaml says, in their order.

    Args:
        frame: rows with the contract's columns, the target among them.
        predictions: what the model says of them.
        inputs: the columns that the model is given.
    """
    kept = frame.sample(min(len(frame), params.evaluate.reference), random_state=params.seed).index.sort_values()
    columns = {f"{INPUTS}{name}": logged(frame.loc[kept, name]) for name in inputs}
    for name in predictions.columns.drop("prediction") if params.task != "regression" else ["prediction"]:
        answer = str(name).replace("probability_", PROBABILITIES, 1)
        columns[answer] = logged(predictions.loc[kept, name])
    target = frame.loc[kept, params.data.target]
    columns[ACTUAL] = logged(target.astype("float64") if params.task == "regression" else target.map(str))
    return arrow.table(columns)


def logged(values: pd.Series) -> arrow.Array:
    """Return a column in the type that its values have in the log: a number, a truth or a text."""
    present = values.notna()
    if pd.api.types.is_bool_dtype(values.dtype):
        return arrow.array(values.astype(object).where(present, None), arrow.bool_())
    if pd.api.types.is_numeric_dtype(values.dtype):
        return arrow.array(values.to_numpy("float64", na_value=np.nan), arrow.float64(), from_pandas=True)
    moments = pd.api.types.is_datetime64_any_dtype(values.dtype)
    texts = [value.isoformat() if moments else str(value) for value in values[present]]
    found = pd.Series(texts, index=values.index[present], dtype=object).reindex(values.index)
    return arrow.array(found.where(present, None), arrow.string())


def write(table: arrow.Table, path: Path) -> None:
    with replacing(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)


def read(path: Path) -> arrow.Table:
    """Return a reference. Raises ConfigError if there is none, or it cannot be read."""
    try:
        return pyarrow.parquet.ParquetFile(path).read()
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file: the version was registered without a reference, so there is nothing to hold its "
            "traffic against; `make repro`, then register and release it anew"
        ) from None
    except (arrow.ArrowException, OSError) as error:
        raise ConfigError(f"{path}: cannot be read: {str(error)[:200]}; remove it, and it is fetched anew") from None


def log_schema(reference: arrow.Schema) -> list[arrow.Field]:
    """Return the fields of a line of the log that hold what the reference holds, as JSON nests them."""
    parts: dict[str, list[arrow.Field]] = {}
    for field in reference:
        if field.name != ACTUAL:
            nested = next((prefix for prefix in (INPUTS, PROBABILITIES) if field.name.startswith(prefix)), "")
            parts.setdefault(nested, []).append(arrow.field(field.name.removeprefix(nested), field.type))
    plain = parts.pop("", [])
    return plain + [arrow.field(prefix[:-1], arrow.struct(fields)) for prefix, fields in parts.items()]
