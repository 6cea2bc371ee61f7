"""The comparison of a version's answers with the predictions that are known from `evaluate`."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lifecycle.core import config, known_rows
from lifecycle.core.version_files import INPUTS, KNOWN, PREDICTIONS

INFINITE = float("inf")
BINARY = pd.DataFrame({"probability_yes": [0.25, 0.5]})
CLASSES = pd.DataFrame({"probability_b": [0.25, 0.5], "probability_a": [0.75, 0.5]})
REGRESSION = pd.DataFrame({"prediction": [0.25, -200.0]})


def labelled(first: Any, second: Any) -> list[dict[str, Any]]:
    return [{"label": "yes", "probability": first}, {"label": "no", "probability": second}]


def of_classes(first: dict[str, float], second: dict[str, float]) -> list[dict[str, Any]]:
    return [{"label": "a", "probabilities": first}, {"label": "b", "probabilities": second}]


@pytest.mark.parametrize(
    ("answers", "expected", "difference"),
    [
        (labelled(0.25, 0.5), BINARY, 0.0),
        (labelled(0.25, 0.4), BINARY, 0.1),
        (labelled(0.25, float("nan")), BINARY, INFINITE),
        (labelled(0.25, INFINITE), BINARY, INFINITE),
        (labelled(0.25, None), BINARY, INFINITE),
        (labelled(0.25, "many"), BINARY, INFINITE),
        (of_classes({"a": 0.75, "b": 0.25}, {"a": 0.5, "b": 0.5}), CLASSES, 0.0),
        (of_classes({"a": 0.25, "b": 0.75}, {"a": 0.5, "b": 0.5}), CLASSES, 0.5),
        (of_classes({"a": 0.75, "c": 0.25}, {"a": 0.5, "b": 0.5}), CLASSES, INFINITE),
        ([{"prediction": 0.25}, {"prediction": -200.0}], REGRESSION, 0.0),
        ([{"prediction": 0.35}, {"prediction": -200.0}], REGRESSION, 0.1),
        ([{"prediction": 0.25}, {"prediction": -220.0}], REGRESSION, 0.1),
        ([{"prediction": 0.25}], REGRESSION, INFINITE),
        ([{"prediction": 0.25}] * 3, REGRESSION, INFINITE),
        ([{}, {}], REGRESSION, INFINITE),
        ([], REGRESSION.head(0), INFINITE),
    ],
)
def test_a_difference_is_absolute_below_one_and_relative_above_and_what_is_missing_is_infinitely_far(
    answers: list[dict[str, Any]], expected: pd.DataFrame, difference: float
) -> None:
    assert known_rows.largest_difference(answers, expected) == pytest.approx(difference, abs=1e-12)


def test_known_rows_are_read_as_records_of_the_contracts_types(tmp_path: Path) -> None:
    columns = {"day": {"dtype": "datetime64[ns]"}, "x": {"dtype": "int64"}}
    (tmp_path / config.CONTRACT).write_text(json.dumps({"columns": columns}))  # JSON is YAML
    (tmp_path / KNOWN).mkdir()
    pd.DataFrame({"x": [1.0, 2.0], "day": [pd.Timestamp("2026-01-31"), pd.NaT]}).to_parquet(tmp_path / KNOWN / INPUTS)
    REGRESSION.to_parquet(tmp_path / KNOWN / PREDICTIONS)

    rows = known_rows.read(tmp_path)

    assert rows.records == [{"x": 1, "day": "2026-01-31T00:00:00"}, {"x": 2, "day": None}]
    pd.testing.assert_frame_equal(rows.expected, REGRESSION)
