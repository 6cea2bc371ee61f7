"""What LightGBM, XGBoost and CatBoost print does not reach the terminal, and what they refuse is one line without their source."""

import os
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from lifecycle.core.config import Params
from lifecycle.core.errors import DEBUG, ConfigError
from lifecycle.core.library_output import silenced
from lifecycle.pipeline.train import fit

LIGHTGBM, XGBOOST, CATBOOST = "lightgbm.LGBMClassifier", "xgboost.XGBClassifier", "catboost.CatBoostClassifier"


def fit_with(features: pd.DataFrame, inputs: list[str], params: Params, estimator: str, **settings: Any) -> Any:
    library = estimator.partition(".")[0]
    pytest.importorskip(library, reason=f"{library} is not installed: tests/test_machinery.py installs it")
    train = params.train.model_copy(update={"estimator": estimator, "parameters": settings})
    return fit(features.head(300), inputs, params.model_copy(update={"train": train}))


@pytest.mark.parametrize(
    ("estimator", "name", "value", "reason"),
    [
        (LIGHTGBM, "num_leaves", 1, "is refused by LGBMClassifier: it must be > 1"),
        (LIGHTGBM, "max_leaf_nodes", 1, "is refused by LGBMClassifier: it must be > 1"),
        (LIGHTGBM, "subsample", 3.0, "is refused by LGBMClassifier: it must be <= 1.0"),  # LightGBM: bagging_fraction
        (XGBOOST, "max_depth", -1, "is refused by XGBClassifier: value -1 for Parameter max_depth should be greater equal to 0"),
        (XGBOOST, "booster", "foo", "is refused by XGBClassifier: Unknown gbm type foo"),
        (CATBOOST, "max_depth", 40, "is refused by CatBoostClassifier: Maximum tree depth is 16"),
        (CATBOOST, "l2_leaf_reg", -1, "is refused by CatBoostClassifier: L2LeafRegularizer should be >= 0, current value: -1"),
    ],
)  # fmt: skip
def test_a_refused_value_is_named_with_its_reason_and_nothing_is_printed(
    features: pd.DataFrame, inputs: list[str], params: Params, capfd: pytest.CaptureFixture[str],
    estimator: str, name: str, value: Any, reason: str,
) -> None:  # fmt: skip
    with pytest.raises(ConfigError) as error:
        fit_with(features, inputs, params, estimator, **{name: value, "learning_rate": 0.1})

    assert str(error.value) == f"params.yaml: train.parameters: {name}: {value} {reason}"
    assert capfd.readouterr() == ("", "")


def test_output_that_is_asked_for_is_printed(
    features: pd.DataFrame, inputs: list[str], params: Params, capfd: pytest.CaptureFixture[str]
) -> None:
    fit_with(features, inputs, params, LIGHTGBM, n_estimators=2, verbose=1)

    assert "[LightGBM] [Info]" in capfd.readouterr().out


def test_lightgbm_is_given_an_alias_by_its_own_name(features: pd.DataFrame, inputs: list[str], params: Params) -> None:
    """It would ignore these two: its own names have defaults."""
    settings = fit_with(features, inputs, params, LIGHTGBM, max_leaf_nodes=3, l2_regularization=2.5)[-1].get_params()

    assert (settings["num_leaves"], settings["reg_lambda"]) == (3, 2.5)


class Loud(LogisticRegression):
    """Of a library that prints."""


Loud.__module__ = "lightgbm.loud"


@pytest.mark.parametrize("debug", [False, True])
def test_processes_and_prints_are_silent_and_warnings_are_not(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    monkeypatch.setenv(DEBUG, "1") if debug else monkeypatch.delenv(DEBUG, raising=False)

    with silenced(Loud(), {}):
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'native')"], check=True)
        os.write(1, b"native")
        print("printed")
        print("heard", file=sys.stderr)  # as Python's warnings are
    print("afterwards")

    out, err = capfd.readouterr()
    assert ("native" in out, "printed" in out, "native" in err) == (debug, debug, debug)
    assert "afterwards" in out
    assert "heard" in err
