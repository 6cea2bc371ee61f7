"""What a version responds to a row, which is the body of /predict: its fields, and their values."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from lifecycle.core.config import Params
from lifecycle.core.version_files import PROBABILITY

if TYPE_CHECKING:
    from lifecycle.core.predict import Outcome  # which imports scikit-learn: the server needs none of it


def fields(params: Params) -> dict[str, Any]:
    """Return the fields of a response by name, each with its type and default as pydantic's `create_model` takes them."""
    if params.task == "regression":
        return {"prediction": (float, ...)}
    if params.task == "multiclass":
        return {"label": (str | int | float | bool, ...), "probabilities": (dict[str, float], ...)}
    probability = Field(ge=0, le=1, description=f"of {params.data.positive}")
    return {"label": (type(params.data.positive), ...), "probability": (float, probability)}


def responses(outcome: "Outcome", params: Params) -> list[dict[str, Any]]:
    """Return the response to each row, with the fields above."""
    rows = outcome.numbers.tolist()
    if params.task == "regression":
        return [{"prediction": number} for (number,) in rows]
    classes = outcome.classes.tolist()
    labels = [classes[place] for place in outcome.places.tolist()]
    if params.task == "binary":
        return [{"label": label, "probability": number} for label, (number,) in zip(labels, rows, strict=True)]
    names = [name.removeprefix(PROBABILITY) for name in outcome.names]
    return [
        {"label": label, "probabilities": dict(zip(names, row, strict=True))}
        for label, row in zip(labels, rows, strict=True)
    ]
