"""Versions that carry rows with the predictions that they must give."""

from pathlib import Path

import pandas as pd

from lifecycle.batch.score_rows import RowScorer
from lifecycle.core.version_files import INPUTS, KNOWN, PREDICTIONS


def with_known_rows(folder: Path, rows: pd.DataFrame, error: float = 0.0) -> Path:
    """A version that carries rows, and of each a probability that is off by `error`."""
    scoring = RowScorer(folder).scoring
    inputs = rows[list(scoring.columns)]
    (folder / KNOWN).mkdir()
    inputs.to_parquet(folder / KNOWN / INPUTS)
    expected = scoring.score(inputs)[["probability"]] + error
    expected.rename(columns={"probability": "probability_Yes"}).to_parquet(folder / KNOWN / PREDICTIONS)
    return folder
