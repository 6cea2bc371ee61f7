from pathlib import Path

import pytest

from << cookiecutter.package >> import tracking
from << cookiecutter.package >>.config import Params
from << cookiecutter.package >>.files import write_text
from << cookiecutter.package >>.stages import track

LOCK = "schema: '2.0'\nstages:\n  train:\n    cmd: a\n  track:\n    cmd: {track}\n"


def test_the_lock_hash_does_not_depend_on_the_tracking_stage_itself(tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        write_text(LOCK.format(track=name), tmp_path / name)
        hashes.append(track.lock_hash(tmp_path / name))
    write_text(LOCK.format(track="one").replace("cmd: a", "cmd: b"), tmp_path / "three")

    assert hashes[0] == hashes[1] != track.lock_hash(tmp_path / "three")


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
