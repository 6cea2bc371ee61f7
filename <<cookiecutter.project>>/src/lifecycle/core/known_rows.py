"""Test rows that are logged with a version, with the predictions of `evaluate`: a version must give the same ones wherever it runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet  # noqa: F401 (so that a server's processes share it)

from lifecycle.core import config
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.core.records import to_records
from lifecycle.core.version_files import INPUTS, KNOWN, PREDICTIONS, PROBABILITY


@dataclass(frozen=True)
class KnownRows:
    """Rows and their expected predictions, in the same order."""

    records: list[dict[str, Any]]
    """The rows, as a server takes them."""
    expected: pd.DataFrame
    """A column per class, `probability_<class>`, or of a binary target that of the positive one; or `prediction`."""


def read(folder: Path) -> KnownRows:
    """Return the known rows in the folder of a version."""
    columns = read_yaml(folder / config.CONTRACT)["columns"]
    inputs = read_parquet(folder / KNOWN / INPUTS)
    records = to_records(inputs, {str(name): columns[name] for name in inputs})
    return KnownRows(records, read_parquet(folder / KNOWN / PREDICTIONS))


def largest_difference(answers: list[dict[str, Any]], expected: pd.DataFrame) -> float:
    """Return how far answers are at most from the expected predictions: absolute below 1, relative above.

    It is infinite if a number is missing or not finite, if the answers are not one per row, or if there are no rows.
    """
    if not answers or len(answers) != len(expected):
        return float("inf")
    numbers = pd.DataFrame([_numbers(answer, expected) for answer in answers]).reindex(columns=list(expected))
    actual = numbers.apply(pd.to_numeric, errors="coerce").to_numpy(dtype="float64")
    target = expected.to_numpy(dtype="float64")
    difference = np.abs(actual - target) / np.maximum(1, np.abs(target))
    return float(np.where(np.isfinite(difference), difference, np.inf).max())


def _numbers(answer: dict[str, Any], expected: pd.DataFrame) -> dict[str, Any]:
    """The numbers of an answer, by the columns of the expected predictions."""
    if "probability" in answer:  # of the positive class, the one that is expected
        return {str(expected.columns[0]): answer["probability"]}
    if "probabilities" in answer:
        return {f"{PROBABILITY}{name}": value for name, value in answer["probabilities"].items()}
    return {"prediction": answer.get("prediction")}
