"""The prediction for one row, column by column, as a table for a terminal."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.core import config, model_file, predict, reference
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.core.records import to_frame, to_records
from lifecycle.core.tables import figure, text_table
from lifecycle.core.version_files import PROBABILITY
from lifecycle.pipeline.contributions import contributions

BACKGROUND = 100  # rows of the reference that a row is compared with
LISTED = 10  # columns, those that contribute most
LONGEST = 40  # characters of a value
CERTAINTY = 1.96  # standard errors on either side of a contribution: a 95% interval


def explain_test_row(key: str) -> str:
    """Return why the model predicts what it does for the test row with an id.

    Raises DataError if no test row has that id, or the pipeline's files do not belong together.
    """
    params = config.load()
    model = model_file.load(config.MODEL, params.package)
    contract = read_yaml(config.CONTRACT)["columns"]
    path = config.FEATURES / "test.parquet"
    names = [str(name) for name in model.feature_names_in_]
    test, background = read_parquet(path), reference.read(config.REFERENCE).slice(0, BACKGROUND).to_pylist()
    chosen = test[test[params.data.id].astype(str) == key]
    if chosen.empty:
        raise DataError(f"{key}: no row of {path} has this {params.data.id}; the ids are in {config.PREDICTIONS}, too")
    if missing := [name for name in names if name not in contract or f"{reference.INPUTS}{name}" not in background[0]]:
        raise DataError(f"{config.REFERENCE}: has no column {missing[0]}, which the model takes: run `make repro`")
    columns = {name: contract[name] for name in names}
    others = [{name: row[f"{reference.INPUTS}{name}"] for name in names} for row in background]
    rows = to_frame([*to_records(chosen.head(1), columns), *others], columns)
    with predict.threads(len(rows)):
        return explained(f"{params.data.id} {key}", rows, lambda batch: predict.predict(model, batch, params), params)


def explained(
    name: str, rows: pd.DataFrame, predictions: Callable[[pd.DataFrame], pd.DataFrame], params: Params
) -> str:
    """Return the explanation of the prediction for the first of some rows, compared with the others.

    Args:
        name: of the row.
        rows: with the columns that the model takes.
        predictions: returns the model's predictions for rows, as `core.predict.predict` does.
        params: the task, the positive class and the seed.
    """
    output, title = _output(predictions(rows.head(1)), params)
    of_columns = contributions(lambda batch: predictions(batch)[output].to_numpy(dtype=np.float64), rows, params.seed)
    ranked = sorted(of_columns.values, key=lambda column: -abs(of_columns.values[column]))
    row = rows.iloc[0]
    table = [
        [
            column,
            _text(row[column]),
            f"{of_columns.values[column]:+.4g}",
            f"{CERTAINTY * of_columns.errors[column]:.2g}",
        ]
        for column in ranked[:LISTED]
    ]
    if rest := ranked[LISTED:]:
        table.append([f"{len(rest)} more columns", "", f"{sum(of_columns.values[column] for column in rest):+.4g}", ""])
    table.append(["sum", "", f"{sum(of_columns.values.values()):+.4g}", ""])
    head = (
        f"{name}: {title} {figure(of_columns.prediction)}, {of_columns.prediction - of_columns.mean:+.4g} from {figure(of_columns.mean)}, "
        f"the mean of {of_columns.background} test rows"
    )
    return f"{head}\n\n{text_table(['column', 'value', 'contributes', '±'], table)}"


def _output(prediction: pd.DataFrame, params: Params) -> tuple[str, str]:
    """The column of predictions to explain, and what it is."""
    if params.task == "regression":
        return "prediction", f"predicted {params.data.target}"
    if params.task == "binary":
        return "probability", f"probability of {params.data.target} {params.data.positive}"
    label = str(prediction["prediction"].iloc[0])
    return f"{PROBABILITY}{label}", f"probability of {params.data.target} {label}"


def _text(value: Any) -> str:
    if pd.isna(value):
        return "(empty)"
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
