"""Limits of weak slices, each with the case that breaks it."""

from typing import Any

import pytest

from lifecycle.gate.check_result import FAIL, NOT_JUDGED, PASS
from lifecycle.gate.policy import Slices
from lifecycle.gate.weak_slice_rules import check_weak_slices

LIMITS = Slices.checked({"min_rows": 50, "metrics": {"log_loss": {"max": 0.7}}}, "gates.yaml")


def content(**figures: Any) -> dict[str, Any]:
    return {
        "searched": {"rows": 1000, "slices": 900},
        "slices": {"a=1 and b <= 2": {"rows": 50, "log_loss": 0.7} | figures},
    }


@pytest.mark.parametrize(
    ("figures", "status"),
    [
        ({}, PASS),
        ({"log_loss": 0.71}, FAIL),
        ({"log_loss": 0.71, "rows": 49}, NOT_JUDGED),
        ({"log_loss": None}, NOT_JUDGED),
        ({"log_loss": float("nan")}, FAIL),
        ({"log_loss": "0.1"}, FAIL),
    ],
)
def test_a_weak_slice_of_enough_rows_keeps_its_limit(figures: dict[str, Any], status: str) -> None:
    (result,) = check_weak_slices(LIMITS, content(**figures))

    assert (result.name, result.status) == ("log_loss where a=1 and b <= 2", status)


@pytest.mark.parametrize("broken", [{}, {"slices": None}, {"slices": {"a=1": 3}}, {"slices": [1]}])
def test_a_file_that_is_missing_or_of_another_form_fails(broken: dict[str, Any]) -> None:
    (result,) = check_weak_slices(LIMITS, broken)

    assert result.status == FAIL
    assert "metrics/weak_slices.json is missing or not what evaluate writes" in result.why


def test_without_weak_slices_or_limits_there_is_nothing_to_check() -> None:
    assert check_weak_slices(LIMITS, {"slices": {}}) == []
    assert check_weak_slices(None, content(log_loss=9.0)) == []
