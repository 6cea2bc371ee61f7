"""Groups of rows in the gate's verdict."""

import datetime
from typing import Any

import pytest

from lifecycle.gate.group_checks import GroupChecks, judge_groups
from lifecycle.gate.policy import Policy

TODAY = datetime.date(2026, 6, 15)
SLICES = {"region": {"north": {"rows": 500, "f1": 0.8}, "south": {"rows": 20, "f1": 0.1}}}
WEAK = {"searched": {"rows": 900, "slices": 800}, "slices": {"a=1": {"rows": 60, "f1": 0.3, "log_loss": 0.6}}}


def checked(smallest: int = 100, least: float = 0.3) -> GroupChecks:
    """The result where groups have at least so many rows, and weak slices at least such an F1."""
    policy: dict[str, Any] = {
        "metrics": {"metrics/test.json": {"f1": {"min": 0.0}}},
        "fairness": {"min_rows": smallest, "columns": {"region": {"f1": {"max_difference": 0.5}}}},
        "weak_slices": {"min_rows": 50, "metrics": {"f1": {"min": least}}},
        "tolerance": 0.0,
        "exceptions": [],
    }
    return judge_groups(Policy.checked(policy, "gates.yaml"), {"base": {}, "branch": SLICES}, WEAK, "base", TODAY)


def test_groups_within_their_limits_are_no_reason_to_fail() -> None:
    checks = checked()

    assert checks.reasons() == []
    assert [result["status"] for result in checks.content()["fairness"]] == ["not judged"]
    assert checks.content()["weak_slices"]["slices"] == {"a=1": {"rows": 60, "loss": 0.6, "excess": {}}}


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"least": 0.4}, "weak_slice", "f1 of the weak slice a=1 is 0.3000, below its limit 0.4000"),
        ({"smallest": 10}, "fairness", "f1 by region: difference is 0.7000, ≤ 0.5 is demanded (0.1000 where region=south and 0.8000 where region=north)"),
    ],
)  # fmt: skip
def test_a_group_beyond_its_limit_is_a_reason_to_fail(change: dict[str, Any], kind: str, text: str) -> None:
    assert checked(**change).reasons() == [{"kind": kind, "text": text}]
