"""What metrics.py declares is read from its source, and whatever cannot be read is refused with its line."""

from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.core.own_metrics import OwnMetric, declared, declared_here, sign_of

TWO = """
import numpy as np
from lifecycle.core.own_metrics import metric

def price(actual):
    return 5

@metric(higher_is_better=False)
def cost(actual: np.ndarray, prediction: np.ndarray) -> float:
    return price(actual)

@metric(higher_is_better=True)
def lift(actual, probability):
    return 1.0
"""


def test_names_directions_and_inputs_are_read_without_running_the_code() -> None:
    own = declared(f"{TWO}\nraise SystemExit", "metrics.py")

    assert own == {"cost": OwnMetric(False, "prediction"), "lift": OwnMetric(True, "probability")}
    assert [sign_of(name, own) for name in ("cost", "lift", "roc_auc", "rmse")] == [-1, 1, 1, -1]


def test_a_repo_without_the_file_has_no_metrics_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert declared_here("churn") == {}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def cost(:", "metrics.py, line 1"),
        ("@metric\ndef cost(actual, prediction): ...", "line 2: cost: write @metric"),
        ("@metric(higher_is_better=BETTER)\ndef cost(actual, prediction): ...", "write @metric"),
        ("@metric(True)\ndef cost(actual, prediction): ...", "write @metric"),
        ("@metric(higher_is_better=True)\ndef cost(y, p): ...", r"must take .*, not \(y, p\)"),
        ("@metric(higher_is_better=True)\ndef cost(actual, prediction, price): ...", "must take"),
        ("@metric(higher_is_better=True)\ndef f1(actual, prediction): ...", "name of a metric that is there already"),
        ("@metric(higher_is_better=True)\ndef rows(actual, prediction): ...", "choose another"),
        ("if True:\n    @metric(higher_is_better=True)\n    def cost(actual, prediction): ...", "at the top level"),
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_be_read_is_refused(source: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        declared(source, "metrics.py")
