"""A version of the model, ready to be asked: its files in one folder, its own parameters, contract and code.

Serving and batch scoring both ask through this module.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context

from << cookiecutter.package >> import config, model, model_file
from << cookiecutter.package >>.errors import DataError
from << cookiecutter.package >>.files import read_parquet, read_yaml
from << cookiecutter.package >>.tracking import INPUTS, KNOWN, PREDICTIONS, PROBABILITY


class Scoring:
    """A model and what it takes to ask it."""

    def __init__(self, folder: Path) -> None:
        """Load the version in a folder. Raises DataError or ConfigError if a file is missing, damaged or not trusted."""
        self.folder = folder
        self.params = config.load(folder / config.PARAMS)
        self.model = model_file.load(folder / config.MODEL.name)
        contract = read_yaml(folder / config.CONTRACT)["columns"]
        self.columns: dict[str, dict[str, Any]] = {name: contract[name] for name in self.model.feature_names_in_}
        self.kinds = {name: _kind(column) for name, column in self.columns.items()}
        self.names = pd.Index(list(self.columns), dtype=object)  # looked up faster than Arrow's texts

    def score(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return what `model.predict` says of rows with the contract's columns.

        Raises DataError if a prediction is not a finite number.
        """
        with config_context(assume_finite=True, skip_parameter_validation=True):  # the contract has seen to it
            predictions = model.predict(self.model, frame, self.params)
        numbers = [name for name in predictions if name != "prediction" or self.params.task == "regression"]
        if not all(np.isfinite(predictions[name].to_numpy()).all() for name in numbers):
            raise DataError("the model answers what is not a finite number")
        return predictions

    def frame(self, records: list[dict[str, Any]]) -> pd.DataFrame:
        """Return records, of JSON's types, as rows with the contract's types, as the pipeline reads them from its file."""
        values = {name: [record[name] for record in records] for name in self.columns}
        frame = pd.DataFrame({name: _typed(values[name], kind) for name, kind in self.kinds.items()}, copy=False)
        frame.columns = self.names
        return frame

    def answers(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return an answer for each record: `label` and `probability` (binary) or `probabilities`, or `prediction`."""
        predictions = self.score(self.frame(records))
        names = [str(name) for name in predictions]
        rows = list(zip(*(predictions[name].tolist() for name in names), strict=True))
        if self.params.task == "regression":
            return [{"prediction": row[0]} for row in rows]
        if self.params.task == "binary":
            return [{"label": row[0], "probability": row[1]} for row in rows]
        classes = [name.removeprefix(PROBABILITY) for name in names[1:]]
        return [{"label": row[0], "probabilities": dict(zip(classes, row[1:], strict=True))} for row in rows]

    def known(self) -> tuple[list[dict[str, Any]], float]:
        """Return the test rows that were logged with the model, as records, and how far its predictions are from `evaluate`'s."""
        inputs = read_parquet(self.folder / KNOWN / INPUTS)
        expected = read_parquet(self.folder / KNOWN / PREDICTIONS)
        records = to_records(inputs, self.columns)
        predictions = self.score(self.frame(records))
        if self.params.task == "binary":
            predictions = predictions.rename(columns={"probability": f"{PROBABILITY}{self.params.data.positive}"})
        wanted = expected.to_numpy()
        difference = np.abs(predictions[list(expected)].to_numpy() - wanted) / np.maximum(1, np.abs(wanted))
        return records, float(difference.max())


def to_records(frame: pd.DataFrame, columns: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows as records of JSON's types, the inverse of `Scoring.frame`; `columns` as contract.yaml has them."""
    plain = {name: _plain(frame[name], column) for name, column in columns.items()}
    return [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]


def to_frame(records: list[dict[str, Any]], columns: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return records of JSON's types as rows with the contract's types, the inverse of `to_records`."""
    return pd.DataFrame({name: _typed([row[name] for row in records], _kind(columns[name])) for name in columns})


def _kind(column: dict[str, Any]) -> Any:
    """A column's dtype; of a category with its values, if the contract lists them."""
    name = str(column["dtype"])
    if name == "category" and column.get("isin"):
        return pd.CategoricalDtype(pd.Index([str(value) for value in column["isin"]], dtype=object))
    return pd.api.types.pandas_dtype(name)


def _typed(values: list[Any], kind: Any) -> Any:
    """The values of a column as an array of its dtype. Raises ValueError or TypeError if they are none."""
    if isinstance(kind, pd.CategoricalDtype) and kind.categories is not None:
        codes = {value: code for code, value in enumerate(kind.categories)}
        found = np.array([codes.get(value, -1) for value in values], dtype=np.int64)
        return pd.Categorical.from_codes(found, dtype=kind, validate=False)
    if isinstance(kind, np.dtype) and kind.kind in "iufb":
        return np.array(values, dtype=kind)  # None is NaN
    if isinstance(kind, pd.DatetimeTZDtype) or getattr(kind, "kind", "") == "M":
        moments = pd.Series(values, dtype=object)
        return pd.to_datetime(moments, format="ISO8601", utc=isinstance(kind, pd.DatetimeTZDtype)).astype(kind)
    return pd.Series(values, dtype=kind)


def _plain(values: pd.Series, column: dict[str, Any]) -> list[Any]:
    kind = str(column["dtype"])
    if kind.startswith("datetime64"):
        moments = values.astype(pd.api.types.pandas_dtype(kind))
        return [None if pd.isna(moment) else moment.isoformat() for moment in moments]
    plain = values.astype(object).where(values.notna(), None).tolist()
    if kind.lower().startswith(("int", "uint")):  # a signature knows no integers that can be missing
        return [None if value is None else int(value) for value in plain]
    return plain
