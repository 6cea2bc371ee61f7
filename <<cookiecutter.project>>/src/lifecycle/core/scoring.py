"""A version of the model, ready to score: its files in one folder, with its own parameters, contract and code."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context

from lifecycle.core import config, known_rows, model_file
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import read_yaml
from lifecycle.core.predict import Outcome, outcome, table
from lifecycle.core.predict_response import responses
from lifecycle.core.records import kind_of, values_of
from lifecycle.core.tree_walk import walk_at_once


class Scoring:
    """A model and what scoring with it needs."""

    def __init__(self, folder: Path) -> None:
        """Load the version in a folder. Raises DataError or ConfigError if a file is missing, damaged or not trusted."""
        self.folder = folder
        self.params = config.load(folder / config.PARAMS)
        self.model = model_file.load(folder / config.MODEL.name, self.params.package)
        walk_at_once(self.model[-1])
        contract = read_yaml(folder / config.CONTRACT)["columns"]
        if from_history := [name for name in self.model.feature_names_in_ if name not in contract]:
            raise ConfigError(
                f"the model takes {', '.join(from_history[:3])}, which build_history in src/{self.params.package}/features.py makes from "
                "the rows before a row; a row that is asked has none: such a model is neither served nor used to score"
            )
        self.columns: dict[str, dict[str, Any]] = {name: contract[name] for name in self.model.feature_names_in_}
        self.kinds = {name: kind_of(column) for name, column in self.columns.items()}
        self.names = pd.Index(list(self.columns), dtype=object)  # looked up faster than Arrow's texts

    def score(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the predictions for rows with the contract's columns.

        Raises DataError if a prediction is not a finite number.
        """
        return table(self._outcome(frame), frame.index)

    def frame(self, records: list[dict[str, Any]]) -> pd.DataFrame:
        """Return records, of JSON's types, as rows with the contract's types, as the pipeline reads them from its file."""
        values = {name: [record[name] for record in records] for name in self.columns}
        frame = pd.DataFrame({name: values_of(values[name], kind) for name, kind in self.kinds.items()}, copy=False)
        frame.columns = self.names
        return frame

    def answers(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return a response for each record: see predict_response.py."""
        return responses(self._outcome(self.frame(records)), self.params)

    def known(self) -> tuple[list[dict[str, Any]], float]:
        """Return the test rows that were logged with the model, and how far its answers are from the predictions of `evaluate`."""
        rows = known_rows.read(self.folder)
        return rows.records, known_rows.largest_difference(self.answers(rows.records), rows.expected)

    def _outcome(self, frame: pd.DataFrame) -> Outcome:
        with config_context(assume_finite=True, skip_parameter_validation=True):  # the contract has been checked
            predicted = outcome(self.model, frame, self.params)
        if not np.isfinite(predicted.numbers).all():
            raise DataError("the model's prediction is not a finite number")
        return predicted
