"""Whose gates.yaml counts: the base's, or the branch's where the two cannot be compared."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.gate import applied_policy as module
from lifecycle.gate import exchanged_problem
from lifecycle.gate.applied_policy import AppliedPolicy, applied_policy

TODAY = datetime.date(2026, 6, 15)
PARAMS = "task: binary\ndata: {id: key, target: churn, positive: Yes}\n"
OTHER = "task: regression\ndata: {id: key, target: price}\n"
ALLOWED = "new_problem: {reason: our own table, accepted_by: Ada}\n"
METRICS = json.dumps({"roc_auc": 0.8})


def gates(least: float, more: str = "") -> str:
    return f"metrics: {{metrics/test.json: {{roc_auc: {{min: {least}}}}}}}\ntolerance: 0.0\nexceptions: []\n{more}"


def applied(monkeypatch: pytest.MonkeyPatch, base: dict[str, Any], head: dict[str, Any]) -> AppliedPolicy:
    files = {
        "base": {"gates.yaml": gates(0.8), "params.yaml": PARAMS, "metrics/test.json": METRICS} | base,
        "head": {"gates.yaml": gates(0.1), "params.yaml": PARAMS} | head,
    }

    def text_at(commit: str, path: Path) -> str | None:
        return files[commit].get(str(path))

    monkeypatch.setattr(module, "text_at", text_at)
    monkeypatch.setattr(exchanged_problem, "text_at", text_at)
    return applied_policy("base", "head", TODAY)


def least(policy: Any) -> float:
    return float(policy.metrics["metrics/test.json"]["roc_auc"].min)


def test_the_bases_policy_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    result = applied(monkeypatch, {}, {})

    assert (least(result.policy), least(result.branch), result.of_branch) == (0.8, 0.1, False)
    assert "+metrics" in result.diff


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ({"gates.yaml": None}, "the base has no gates.yaml"),
        ({"metrics/test.json": None}, "the base has no metrics"),
        ({"metrics/test.json": "{}"}, "the base has no metrics"),
        ({"metrics/test.json": None, "params.yaml": OTHER}, "the base has no metrics"),
        ({"metrics/test.json": None, "gates.yaml": "]"}, "the base has no metrics"),
    ],
)
def test_a_first_model_is_judged_by_its_own_limits_and_needs_no_permission(
    monkeypatch: pytest.MonkeyPatch, base: dict[str, Any], why: str
) -> None:
    result = applied(monkeypatch, base, {})

    assert (least(result.policy), result.why_branch, result.refusal) == (0.1, why, "")


@pytest.mark.parametrize(
    ("params", "exchanged"),
    [
        (OTHER, ["task was binary, is regression", "data.target was churn, is price"]),
        (PARAMS.replace("churn", "left"), ["data.target was churn, is left"]),
        (PARAMS.replace("Yes", "No"), ["data.positive was Yes, is No"]),
        (PARAMS.replace("key", "number"), ["data.id was key, is number"]),
        (PARAMS + "seed: 3\n", []),
    ],
)
def test_another_problem_is_judged_by_its_own_limits_if_the_base_allows_it(
    monkeypatch: pytest.MonkeyPatch, params: str, exchanged: list[str]
) -> None:
    result = applied(monkeypatch, {"gates.yaml": gates(0.8, ALLOWED)}, {"params.yaml": params})

    assert result.exchanged == exchanged
    assert least(result.policy) == (0.1 if exchanged else 0.8)
    assert result.refusal == ""
    assert result.permission == ("our own table (accepted by Ada)" if exchanged else "")
    assert result.problem()["approve"] == (["roc_auc ≥ 0.1"] if exchanged else [])


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ("", "gates.yaml of the base has no new_problem"),
        (
            ALLOWED.replace("}", ", expires: 2026-06-14}"),
            "new_problem in gates.yaml of the base ended on 2026-06-14",
        ),
        (ALLOWED.replace("}", ", expires: 2026-06-15}"), ""),
    ],
)
def test_another_problem_that_the_base_does_not_allow_is_refused(
    monkeypatch: pytest.MonkeyPatch, more: str, refusal: str
) -> None:
    allowed_by_itself = {"params.yaml": OTHER, "gates.yaml": gates(0.1, ALLOWED)}

    result = applied(monkeypatch, {"gates.yaml": gates(0.8, more)}, allowed_by_itself)

    assert result.refusal == refusal


@pytest.mark.parametrize("params", [None, "{{: [", "data: 3", "task: binary\ndata: {id: key}\n"])
def test_a_base_whose_params_cannot_be_read_counts_as_another_problem(
    monkeypatch: pytest.MonkeyPatch, params: str | None
) -> None:
    result = applied(monkeypatch, {"params.yaml": params}, {})

    assert result.exchanged == ["the base's params.yaml cannot be read, so what it predicts is unknown"]
    assert result.refusal


def test_a_branch_without_a_policy_has_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"gates\.yaml is missing from the commit"):
        applied(monkeypatch, {}, {"gates.yaml": None})
