"""The reference: held-out rows as a server would have logged them, with the model's predictions and the actual outcomes.

`evaluate` writes it and `track` logs it with the model, so that each version carries its own, and new data can be compared
with it without the training data. A Parquet file with the fields of a logged prediction: `inputs.<column>` for every input
of the model; `probability`, `probabilities.<class>` or `prediction`; and `actual`.
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
        predictions: of the model, for the same rows.
        inputs: the columns that are inputs of the model.
        params: the task, the target, and how many rows.
    """
    rows = frame.sample(min(len(frame), params.evaluate.reference), random_state=params.seed).index.sort_values()
    columns = {f"{INPUTS}{name}": logged(frame.loc[rows, name]) for name in inputs}
    for name in predictions.columns.drop("prediction") if params.task != "regression" else ["prediction"]:
        field = str(name).replace("probability_", PROBABILITIES, 1)
        columns[field] = logged(predictions.loc[rows, name])
    target = frame.loc[rows, params.data.target]
    columns[ACTUAL] = logged(target.astype("float64") if params.task == "regression" else target.map(str))
    return arrow.table(columns)


def logged(values: pd.Series) -> arrow.Array:
    """Return a column in the type that its values have in the log: a number, a boolean or a text."""
    present = values.notna()
    if pd.api.types.is_bool_dtype(values.dtype):
        return arrow.array(values.astype(object).where(present, None), arrow.bool_())
    if pd.api.types.is_numeric_dtype(values.dtype):
        return arrow.array(values.to_numpy("float64", na_value=np.nan), arrow.float64(), from_pandas=True)
    is_date = pd.api.types.is_datetime64_any_dtype(values.dtype)
    texts = [value.isoformat() if is_date else str(value) for value in values[present]]
    column = pd.Series(texts, index=values.index[present], dtype=object).reindex(values.index)
    return arrow.array(column.where(present, None), arrow.string())


def write(table: arrow.Table, path: Path) -> None:
    with replacing(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)


def read(path: Path) -> arrow.Table:
    """Return a reference. Raises ConfigError if there is none, or it cannot be read."""
    try:
        return pyarrow.parquet.ParquetFile(path).read()
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file: the version was registered without a reference to compare its traffic with; "
            "run `make repro`, then register and release it again"
        ) from None
    except (arrow.ArrowException, OSError) as error:
        raise ConfigError(f"{path}: cannot be read: {str(error)[:200]}; remove it, and it is fetched again") from None


def log_schema(reference: arrow.Schema) -> list[arrow.Field]:
    """Return the fields of the reference as a line of the log nests them."""
    groups: dict[str, list[arrow.Field]] = {}
    for field in reference:
        if field.name != ACTUAL:
            group = next((prefix for prefix in (INPUTS, PROBABILITIES) if field.name.startswith(prefix)), "")
            groups.setdefault(group, []).append(arrow.field(field.name.removeprefix(group), field.type))
    top = groups.pop("", [])
    return top + [arrow.field(prefix[:-1], arrow.struct(fields)) for prefix, fields in groups.items()]
