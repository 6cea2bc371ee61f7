import math
from typing import Any

import pytest

from lifecycle.gate.baseline_rules import check_baselines, strongest
from lifecycle.gate.policy import Policy

MODEL = {"roc_auc": 0.85, "log_loss": 0.42, "rmse": 3.0}
BASELINES = {"trivial": {"roc_auc": 0.5, "log_loss": 0.59, "rmse": 9.0}, "linear": {"roc_auc": 0.84, "log_loss": 0.42}}


def policy(**beats: dict[str, float]) -> Policy:
    content: dict[str, Any] = {
        "metrics": {"metrics/test.json": {"roc_auc": {"min": 0.1}}},
        "tolerance": 0.0,
        "exceptions": [],
        "beats": beats,
    }
    return Policy.checked(content, "gates.yaml")


@pytest.mark.parametrize(
    ("beats", "status", "why"),
    [
        ({"linear": {"roc_auc": 0.0}}, "pass", ""),
        ({"linear": {"roc_auc": 0.01}}, "pass", ""),
        (
            {"linear": {"roc_auc": 0.02}},
            "FAIL",
            "roc_auc is 0.8500, which is better than that of the linear model, 0.8400, by only 0.0100; 0.02 is demanded",
        ),
        (
            {"linear": {"log_loss": 0.0}},
            "FAIL",
            "log_loss is 0.4200, which is no better than that of the linear model, 0.4200",
        ),
        ({"trivial": {"roc_auc": 0.3}}, "pass", ""),
        (
            {"linear": {"f1": 0.0}},
            "FAIL",
            "f1 of the linear model is missing, or null (metrics/linear.json)",
        ),
    ],
)
def test_the_model_must_beat_a_baseline_by_the_margin(beats: dict[str, Any], status: str, why: str) -> None:
    always, demanded = check_baselines(policy(**beats), "binary", MODEL, BASELINES)

    assert always.status == "pass"
    assert (demanded.status, demanded.why) == (status, why)


@pytest.mark.parametrize(
    ("task", "model", "says"),
    [
        ("binary", {"log_loss": 0.59}, "log_loss is 0.5900, which is no better than that of the trivial model, 0.5900"),
        ("multiclass", {"log_loss": 0.7}, "log_loss is 0.7000, which is no better than"),
        ("regression", {"rmse": 9.1}, "rmse is 9.1000, which is no better than"),
        ("binary", {}, "log_loss is missing from metrics/test.json, or null"),
        ("binary", {"log_loss": math.nan}, "log_loss is nan, not a finite number"),
    ],
)
def test_no_better_than_the_trivial_model_fails_whatever_the_policy(
    task: str, model: dict[str, float], says: str
) -> None:
    (result,) = check_baselines(policy(), task, model, BASELINES)

    assert result.status == "FAIL"
    assert result.why.startswith(says)


@pytest.mark.parametrize(
    "baselines",
    [{}, {"trivial": None}, {"trivial": {"log_loss": math.nan}}, {"trivial": {"log_loss": "0.5"}}, {"trivial": [1]}],
)
def test_without_figures_of_the_trivial_model_nothing_passes(baselines: dict[str, Any]) -> None:
    (result,) = check_baselines(policy(), "binary", MODEL, baselines)

    assert result.status == "FAIL"
    assert "metrics/trivial.json" in result.why


def test_a_margin_for_the_metric_that_is_always_demanded_replaces_it() -> None:
    (result,) = check_baselines(policy(trivial={"log_loss": 0.5}), "binary", MODEL, BASELINES)

    assert (result.status, result.limit) == ("FAIL", "better than trivial by 0.5")


def test_a_branch_cannot_weaken_the_linear_model_that_it_has_to_beat() -> None:
    base = {"linear": {"roc_auc": 0.84, "log_loss": 0.42}, "trivial": {"log_loss": math.nan}}
    weak = {"linear": {"roc_auc": 0.5, "log_loss": 0.59, "brier": 0.2}, "trivial": {"log_loss": 0.59}}

    assert strongest(weak, base) == {**weak, "linear": {"roc_auc": 0.84, "log_loss": 0.42, "brier": 0.2}}
    assert strongest(base | {"trivial": {"log_loss": 0.5}}, weak)["linear"] == base["linear"]
    assert strongest({"linear": {}}, base) == {"linear": {}}
