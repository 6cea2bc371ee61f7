"""Limits of weak slices, each with the case that breaks it."""

import datetime
from typing import Any

import pytest

from lifecycle.gate.check_result import ACCEPTED, FAIL, NOT_JUDGED, PASS
from lifecycle.gate.policy import Policy
from lifecycle.gate.weak_slice_rules import check_weak_slices

TODAY = datetime.date(2026, 6, 15)
NAME = "a=1 and b <= 2"
EXCEPTION = {
    "metric": "log_loss",
    "weak_slice": NAME,
    "max": 0.8,
    "reason": "why",
    "accepted_by": "Ada",
    "expires": TODAY,
}


def policy(*exceptions: dict[str, Any], **changes: Any) -> Policy:
    content = {
        "metrics": {"metrics/test.json": {"log_loss": {"max": 0.9}}},
        "slices": {"min_rows": 50, "metrics": {"log_loss": {"max": 0.9}}},
        "weak_slices": {"min_rows": 50, "metrics": {"log_loss": {"max": 0.7}}},
        "tolerance": 0.0,
        "exceptions": [*exceptions],
    }
    return Policy.checked(content | changes, "gates.yaml")


def content(**figures: Any) -> dict[str, Any]:
    return {
        "searched": {"rows": 1000, "slices": 900},
        "slices": {NAME: {"rows": 50, "log_loss": 0.7} | figures},
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
    (result,) = check_weak_slices(policy(), content(**figures), TODAY)

    assert (result.name, result.status) == (f"log_loss where {NAME}", status)


@pytest.mark.parametrize("broken", [{}, {"slices": None}, {"slices": {"a=1": 3}}, {"slices": [1]}])
def test_a_file_that_is_missing_or_of_another_form_fails(broken: dict[str, Any]) -> None:
    (result,) = check_weak_slices(policy(), broken, TODAY)

    assert result.status == FAIL
    assert "metrics/weak_slices.json is missing or not what evaluate writes" in result.why


def test_without_weak_slices_or_limits_there_is_nothing_to_check() -> None:
    assert check_weak_slices(policy(), {"slices": {}}, TODAY) == []
    assert check_weak_slices(policy(weak_slices=None), content(log_loss=9.0), TODAY) == []


@pytest.mark.parametrize(
    ("change", "value", "status"),
    [
        ({}, 0.75, ACCEPTED),
        ({}, 0.81, FAIL),
        ({"weak_slice": "a=2"}, 0.75, FAIL),
        ({"weak_slice": None, "slice": NAME}, 0.75, FAIL),  # of the slices that are named one by one
        ({"weak_slice": None}, 0.75, FAIL),
        ({"expires": TODAY - datetime.timedelta(days=1)}, 0.75, FAIL),
        ({}, float("nan"), FAIL),
    ],
)
def test_an_exception_accepts_its_own_weak_slice_as_far_as_it_says(
    change: dict[str, Any], value: float, status: str
) -> None:
    (result,) = check_weak_slices(policy(EXCEPTION | change), content(log_loss=value), TODAY)

    assert result.status == status
