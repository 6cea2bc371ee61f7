"""Which verdicts are recorded on a model's run."""

from typing import Any

import pytest

from lifecycle.gate import record

CONTENT: dict[str, Any] = {
    "verdict": "pass",
    "reasons": [],
    "base": {"revision": "main", "commit": "b" * 40, "has_metrics": True},
    "branch": {"commit": "h" * 40, "model": "m" * 64, "lock": "of the branch"},
    "code": {"sha256": "c" * 64, "changed": False},
    "metrics": [{"name": "roc_auc", "status": "pass", "change": 0.1, "why": ""}],
    "slices": [],
    "params": {},
    "files_affecting_verdict": [],
    "data": {"base": {}, "branch": {}},
}


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> str:
    """What is printed where the verdict would be recorded, if only the store answered."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return "gate: the verdict stands, but is not recorded: MLflow at http://127.0.0.1:9 failed: it does not answer"


@pytest.mark.parametrize(
    ("base_lock", "code_changed", "verdict"),
    [
        ("of main", False, "pass"),
        (None, False, "pass"),
        ("of the branch", True, "pass"),
        ("of the branch", False, "fail"),
    ],
    ids=["other results", "base without results", "same results, other code", "fails against itself"],
)
def test_a_verdict_on_other_results_or_other_code_is_recorded(
    monkeypatch: pytest.MonkeyPatch, recorded: str, base_lock: str | None, code_changed: bool, verdict: str
) -> None:
    monkeypatch.setattr(record, "lock_hash_of", lambda _: base_lock)
    kinds = ("limit", "fairness", "weak_slice", "baseline") if verdict == "fail" else ()
    reasons = [{"kind": kind, "text": "roc_auc is 0.7, below its limit 0.8"} for kind in kinds]
    content = CONTENT | {"verdict": verdict, "reasons": reasons, "code": {"sha256": "c" * 64, "changed": code_changed}}

    assert record.record(content).startswith(recorded)


@pytest.mark.usefixtures("recorded")
def test_passing_against_the_same_results_and_code_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "lock_hash_of", lambda _: "of the branch")

    assert record.record(CONTENT).startswith("gate: not recorded: main has the same results and the same code")


@pytest.mark.usefixtures("recorded")
def test_results_that_are_stale_are_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "lock_hash_of", lambda _: "of main")
    reasons = [{"kind": "stale", "text": "the committed results are stale"}]

    line = record.record(CONTENT | {"verdict": "fail", "reasons": reasons})

    assert line == "gate: not recorded: the committed results are not the pipeline's (stale)"
