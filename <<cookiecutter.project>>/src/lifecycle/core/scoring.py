"""A version of the model, ready to be asked: its files in one folder, its own parameters, contract and code.

Serving and batch scoring both ask through this module.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context

from lifecycle.core import config, model_file
from lifecycle.core.errors import DataError
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.core.predict import predict
from lifecycle.core.records import kind_of, to_records, values_of
from lifecycle.core.version_files import INPUTS, KNOWN, PREDICTIONS, PROBABILITY


class Scoring:
    """A model and what it takes to ask it."""

    def __init__(self, folder: Path) -> None:
        """Load the version in a folder. Raises DataError or ConfigError if a file is missing, damaged or not trusted."""
        self.folder = folder
        self.params = config.load(folder / config.PARAMS)
        self.model = model_file.load(folder / config.MODEL.name, self.params.package)
        contract = read_yaml(folder / config.CONTRACT)["columns"]
        self.columns: dict[str, dict[str, Any]] = {name: contract[name] for name in self.model.feature_names_in_}
        self.kinds = {name: kind_of(column) for name, column in self.columns.items()}
        self.names = pd.Index(list(self.columns), dtype=object)  # looked up faster than Arrow's texts

    def score(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the predictions for rows with the contract's columns.

        Raises DataError if a prediction is not a finite number.
        """
        with config_context(assume_finite=True, skip_parameter_validation=True):  # the contract has seen to it
            predictions = predict(self.model, frame, self.params)
        numbers = [name for name in predictions if name != "prediction" or self.params.task == "regression"]
        if not all(np.isfinite(predictions[name].to_numpy()).all() for name in numbers):
            raise DataError("the model answers what is not a finite number")
        return predictions

    def frame(self, records: list[dict[str, Any]]) -> pd.DataFrame:
        """Return records, of JSON's types, as rows with the contract's types, as the pipeline reads them from its file."""
        values = {name: [record[name] for record in records] for name in self.columns}
        frame = pd.DataFrame({name: values_of(values[name], kind) for name, kind in self.kinds.items()}, copy=False)
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
