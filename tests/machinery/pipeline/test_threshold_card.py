"""What the model card says of a threshold that a rule chose."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecycle.core.config import Params
from lifecycle.core.threshold_rule import Rule
from lifecycle.pipeline.threshold_card import FEWEST, achieved, threshold_sections

PROBABILITY = np.array([0.9, 0.6, 0.3, 0.3, 0.1])
TARGET = ["Yes", "No", "Yes", "No", "No"]


def outcomes(params: Params, rule: Any, times: int = 1) -> dict[str, Any]:
    """Return what is achieved at 0.2, on five rows repeated so many times."""
    train = params.train.model_copy(update={"threshold": rule and Rule.checked(rule, "rule")})
    predictions = pd.DataFrame({"probability": np.tile(PROBABILITY, times)})
    return achieved(pd.Series(TARGET * times), predictions, 0.2, params.model_copy(update={"train": train}))


def test_the_chosen_threshold_is_compared_with_a_half(params: Params) -> None:
    content = outcomes(params, {"cost": {"false_positive": 1, "false_negative": 10}})

    chosen, half = content["at"][0.2], content["at"][0.5]
    assert chosen == pytest.approx({"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "cost per row": 2 / 5})
    assert half == pytest.approx({"precision": 0.5, "recall": 0.5, "f1": 0.5, "cost per row": 11 / 5})
    text = "\n".join(threshold_sections(content))
    assert "| threshold | precision | recall | f1 | cost per row |" in text
    assert "| 0.2 | 0.5 | 1 | 0.6667 | 0.4 |\n| 0.5 | 0.5 | 0.5 | 0.5 | 2.2 |" in text


@pytest.mark.parametrize(("times", "warned"), [(FEWEST // 2 - 1, True), (FEWEST // 2, False)])
def test_too_few_positive_rows_are_named(params: Params, times: int, warned: bool) -> None:
    text = "\n".join(threshold_sections(outcomes(params, {"best_f1": True}, times)))

    assert f"{2 * times} of which are positive" in text
    assert (
        f"{2 * times} positive rows are too few to choose a threshold by: it takes at least {FEWEST}" in text
    ) is warned
    assert "cost" not in text


def test_nothing_is_said_where_no_rule_chose_it(params: Params) -> None:
    assert threshold_sections(outcomes(params, None)) == []
