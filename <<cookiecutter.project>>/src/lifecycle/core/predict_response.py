"""What a version responds to a row, which is the body of /predict: its fields, and their values."""

from typing import Any

import pandas as pd
from pydantic import Field

from lifecycle.core.config import Params
from lifecycle.core.version_files import PROBABILITY


def fields(params: Params) -> dict[str, Any]:
    """Return the fields of a response by name, each with its type and default as pydantic's `create_model` takes them."""
    if params.task == "regression":
        return {"prediction": (float, ...)}
    if params.task == "multiclass":
        return {"label": (str | int | float | bool, ...), "probabilities": (dict[str, float], ...)}
    probability = Field(ge=0, le=1, description=f"of {params.data.positive}")
    return {"label": (type(params.data.positive), ...), "probability": (float, probability)}


def responses(predictions: pd.DataFrame, params: Params) -> list[dict[str, Any]]:
    """Return the response to each row, with the fields above; `predictions` as `predict` returns them."""
    names = [str(name) for name in predictions]
    rows = list(zip(*(predictions[name].tolist() for name in names), strict=True))
    if params.task == "regression":
        return [{"prediction": row[0]} for row in rows]
    if params.task == "binary":
        return [{"label": row[0], "probability": row[1]} for row in rows]
    classes = [name.removeprefix(PROBABILITY) for name in names[1:]]
    return [{"label": row[0], "probabilities": dict(zip(classes, row[1:], strict=True))} for row in rows]
