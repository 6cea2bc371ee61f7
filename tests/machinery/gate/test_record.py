"""Which verdicts are kept with a model's run."""

from typing import Any

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.gate import record

CONTENT: dict[str, Any] = {
    "verdict": "pass",
    "reasons": [],
    "base": {"revision": "main", "commit": "b" * 40, "has_metrics": True},
    "branch": {"commit": "h" * 40, "model": "m" * 64, "lock": "of the branch"},
    "metrics": [{"name": "roc_auc", "status": "pass", "change": 0.1, "why": ""}],
    "slices": [],
    "params": {},
    "judges": [],
    "data": {"base": {}, "branch": {}},
}


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> str:
    """A store that nobody runs: whoever gets as far as asking it, says so."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return "gate: the verdict stands, but is not recorded: MLflow at http://127.0.0.1:9 failed: it does not answer"


def of(lock: str | None) -> Any:
    def lock_hash_of(commit: str) -> str | None:
        if lock is None:
            raise ConfigError("dvc.lock: not valid YAML")
        return lock

    return lock_hash_of


@pytest.mark.parametrize("base", ["of main", None])
def test_a_verdict_against_other_results_is_kept(monkeypatch: pytest.MonkeyPatch, down: str, base: str | None) -> None:
    monkeypatch.setattr(record, "lock_hash_of", of(base))

    assert record.record(CONTENT).startswith(down)


def test_passing_against_itself_is_no_verdict_on_a_model(monkeypatch: pytest.MonkeyPatch, down: str) -> None:
    monkeypatch.setattr(record, "lock_hash_of", of("of the branch"))

    assert record.record(CONTENT).startswith("gate: not recorded: main has the very same results")
    reasons = [{"kind": "limit", "text": "roc_auc is 0.7, below its limit 0.8"}]
    assert record.record(CONTENT | {"verdict": "fail", "reasons": reasons}).startswith(down)
