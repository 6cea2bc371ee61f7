import copy
from typing import Any

import pytest

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml
from lifecycle.gate.policy import Policy, parse

FILE = "metrics/test.json"
VALID: dict[str, Any] = {
    "metrics": {FILE: {"roc_auc": {"min": 0.8, "max_drop": 0.01}}},
    "slices": {"min_rows": 100, "metrics": {"roc_auc": {"min": 0.7}}},
    "not_recomputed": {"train": "takes long"},
    "tolerance": 0.0001,
    "exceptions": [],
}
EXCEPTION = {"metric": "roc_auc", "min": 0.7, "reason": "why", "accepted_by": "Ada"}


def changed(path: str, value: Any) -> dict[str, Any]:
    content = copy.deepcopy(VALID)
    *sections, last = path.split(" ")
    inside = content
    for section in sections:
        inside = inside[section]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return content


def test_the_policy_of_this_repo_is_valid() -> None:
    Policy.checked(read_yaml(config.GATES), str(config.GATES))


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("metrics", {}, "metrics is {}"),
        ("metrics", None, "metrics is missing"),
        (f"metrics {FILE}", {}, f"metrics.{FILE} is {{}}"),
        ("fairness", {"min_rows": 9, "columns": {"a": {"f1": {}}}}, "no limit: give max_difference or min_ratio"),
        (
            "fairness",
            {"min_rows": 9, "columns": {"a": {"f2": {"min_ratio": 0.8}}}},
            "a: 'f2' is not a metric (there are: ",
        ),
        (
            "fairness",
            {"min_rows": 9, "columns": {"a": {"r2": {"min_ratio": 0.8}}}},
            "a: r2 may be negative, so it has no ratio",
        ),
        ("fairness", {"min_rows": 9, "columns": {}}, "fairness.columns is {}"),
        ("cost", {}, "cost: nothing to do: limit a figure, or write report: true"),
        ("cost", {"model_size": {}}, "cost.model_size: no limit: give max_ratio or max_mb"),
        ("cost", {"model_siez": {"max_mb": 1}}, "cost.model_siez is not a parameter (did you mean model_size?)"),
        ("cost", {"model_size": {"max_gb": 1}}, "cost.model_size.max_gb is not a parameter (did you mean max_mb?)"),
        ("cost", {"model_size": {"max_ratio": 0.9}}, "cost.model_size.max_ratio is 0.9"),
        (
            "cost",
            {"training_seconds": {"max_ratio": 2}},
            "training_seconds is measured by training the models of both sides, which not_recomputed rules out",
        ),
        (
            "weak_slices",
            {"min_rows": 9, "metrics": {"log_loss": {"min": 0.1}}},
            "log_loss: the limit is on the wrong side",
        ),
        ("weak_slices", {"min_rows": 9, "metrics": {"f1": {"min": 5}}}, "f1: min is 5, but f1 lies between 0 and 1"),
        (f"metrics {FILE} roc_auc", {}, f"metrics.{FILE}.roc_auc: no limit: give min, max, max_drop or max_rise"),
        (f"metrics {FILE} roc_auc min", "high", "roc_auc.min is 'high'"),
        (f"metrics {FILE} roc_auc min", True, "roc_auc.min is True"),
        (f"metrics {FILE} roc_auc min", float("nan"), "roc_auc.min is nan"),
        (f"metrics {FILE} roc_auc min", float("inf"), "roc_auc.min is inf"),
        (f"metrics {FILE} roc_auc min", 80, "roc_auc: min is 80, but roc_auc lies between 0 and 1"),
        (f"metrics {FILE} roc_auc max", 0.7, "min 0.8 is above max 0.7: no value can pass"),
        (f"metrics {FILE} roc_auc max_drop", -0.01, "roc_auc.max_drop is -0.01"),
        (f"metrics {FILE} roc_auc max_rise", 0.01, "max_drop and max_rise exclude each other"),
        (f"metrics {FILE} roc_auc max_dorp", 0.01, "roc_auc.max_dorp is not a parameter (did you mean max_drop?)"),
        (f"metrics {FILE} roc_auc", {"min": None}, "no limit: give min, max, max_drop or max_rise"),
        (
            f"metrics {FILE} roc_auc",
            {"max_rise": 0.1},
            "roc_auc: the limit is on the wrong side: it would reject better",
        ),
        (f"metrics {FILE} roc_auc", {"max": 0.9}, "it would reject better values; give min and max_drop"),
        (f"metrics {FILE} log_loss", {"max_drop": 0.1}, "log_loss: the limit is on the wrong side"),
        (f"metrics {FILE} roc_auc max_drop", 5, "roc_auc: 5 is allowed, but roc_auc lies between 0 and 1"),
        ("slices metrics", {}, "slices.metrics is {}"),
        ("slices metrics roc_auc", {}, "slices: roc_auc: no limit: give min or max"),
        ("tolerance", 1e9, "tolerance is 1000000000.0"),
        ("slices min_rows", 0, "slices.min_rows is 0"),
        ("slices min_row", 3, "slices.min_row is not a parameter (did you mean min_rows?)"),
        ("slices metrics roc_auc", {"max_drop": 0.1}, "max_drop is not a parameter"),
        ("gates", {}, "gates is not a parameter"),
        ("beats", {"linear": {}}, "beats.linear is {}"),
        ("beats", {"random": {"roc_auc": 0.0}}, "beats.random"),
        ("beats", {"linear": {"roc_auc": -0.1}}, "beats.linear.roc_auc is -0.1"),
        ("beats", {"linear": {"ruc": 0.1}}, "beats: linear: ruc is not a metric of baselines (there are: accuracy,"),
        ("new_problem", {"reason": "why"}, "new_problem.accepted_by is missing"),
        ("new_problem", {"reason": " ", "accepted_by": "Ada"}, "new_problem.reason is ' '"),
        ("not_recomputed", {"evaluate": "quick"}, "not_recomputed: evaluate must be recomputed"),
        ("tolerance", -1.0, "tolerance is -1.0"),
        ("tolerance", None, "tolerance is missing"),
        ("exceptions", [EXCEPTION], "exceptions.0.expires is missing"),
        ("exceptions", [EXCEPTION | {"expires": "soon"}], "exceptions.0.expires is 'soon'"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(path: str, value: Any, complaint: str) -> None:
    with pytest.raises(ConfigError, match=r"^gates.yaml: ") as raised:
        Policy.checked(changed(path, value), "gates.yaml")

    assert complaint in str(raised.value)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("metric: roc_auc, min: 0.7, accepted_by: Ada, expires: 2026-12-31", "reason is missing"),
        ("metric: roc_auc, min: 0.7, reason: ' ', accepted_by: Ada, expires: 2026-12-31", "reason is ' '"),
        ("metric: roc_auc, min: 0.7, reason: why, expires: 2026-12-31", "accepted_by is missing"),
        (
            "metric: roc_auc, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "exceptions: roc_auc: give min, the lowest value that is accepted",
        ),
        (
            "metric: roc_auc, max: 1.0, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "roc_auc: give min, the lowest value",
        ),
        ("metric: roc_auc, min: 0.7, reason: why, accepted_by: Ada, expires: 9999-12-31", "is more than a year away"),
        (
            "metric: roc_auc, min: 0.7, reason: why, accepted_by: Ada, expires: 2026-02-30",
            "not valid YAML: day is out of",
        ),
        (
            "metric: loss, min: 0.7, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "loss: give max, the highest value",
        ),
        ("metric: roc_auc, min: 70, reason: why, accepted_by: Ada, expires: 2026-12-31", "min is 70, but roc_auc lies"),
        (
            "metric: f1, min: 0.7, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "'f1' has no limit under metrics (there are: roc_auc, loss)",
        ),
        (
            "metric: f1, slice: a=b, min: 0.7, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "'f1' has no limit under slices.metrics (there are: none)",
        ),
        (
            "metric: f1, weak_slice: a=b, min: 0.7, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "'f1' has no limit under weak_slices.metrics (there are: none)",
        ),
        (
            "metric: f1, fairness: a, max_difference: 0.7, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "'f1' has no limit under fairness.columns.a (there are: accuracy)",
        ),
        (
            "metric: accuracy, fairness: a, min_ratio: 0.7, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "accuracy by a has no min_ratio under fairness",
        ),
        (
            "metric: accuracy, fairness: a, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "accuracy: give max_difference or min_ratio",
        ),
        (
            "metric: accuracy, fairness: a, min: 0.1, max_difference: 0.7, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "accuracy: with fairness, give max_difference or min_ratio in place of min and max",
        ),
        (
            "metric: roc_auc, min: 0.7, max_difference: 0.7, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "roc_auc: max_difference and min_ratio are for groups: give fairness",
        ),
        (
            "metric: roc_auc, slice: a=b, fairness: a, min_ratio: 0.7, reason: why, accepted_by: Ada, expires: 2026-12-31",
            "roc_auc: slice, weak_slice and fairness exclude each other",
        ),
    ],
)
def test_an_exception_says_who_why_how_far_and_how_long(entry: str, complaint: str) -> None:
    text = f"""
metrics: {{metrics/test.json: {{roc_auc: {{min: 0.8}}, loss: {{max_rise: 0.1}}}}}}
fairness: {{min_rows: 9, columns: {{a: {{accuracy: {{max_difference: 0.5}}}}}}}}
recompute: [evaluate]
tolerance: 0
exceptions: [{{{entry}}}]
"""
    with pytest.raises(ConfigError) as raised:
        parse(text, "gates.yaml")

    assert complaint in str(raised.value)
