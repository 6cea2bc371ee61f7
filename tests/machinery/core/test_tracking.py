from pathlib import Path
from typing import Any

import pytest

from lifecycle.core import tracking
from lifecycle.core.config import Params


def test_the_lock_hash_does_not_depend_on_the_tracking_stage_itself() -> None:
    def lock(train: str, track: str) -> dict[str, Any]:
        return {"schema": "2.0", "stages": {"train": {"cmd": train}, "track": {"cmd": track}}}

    assert tracking.lock_hash(lock("a", "one")) == tracking.lock_hash(lock("a", "two"))
    assert tracking.lock_hash(lock("a", "one")) != tracking.lock_hash(lock("b", "one"))


def test_a_relative_sqlite_store_lies_in_the_main_checkout(
    params: Params, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    local = params.model_copy(update={"track": params.track.model_copy(update={"tracking_uri": "sqlite:///runs.db"})})

    assert tracking.tracking_uri(local) == f"sqlite:///{tmp_path / 'runs.db'}"


def test_the_environment_names_the_store_first(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")

    assert tracking.tracking_uri(params) == "http://127.0.0.1:9"
