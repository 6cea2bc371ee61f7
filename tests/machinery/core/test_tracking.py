import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core import tracking
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.tracking import experiment_id, store


def test_the_lock_hash_does_not_depend_on_the_tracking_stage_itself() -> None:
    def lock(train: str, track: str) -> dict[str, Any]:
        return {"train": {"cmd": train}, "track": {"cmd": track}}

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


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree])
def test_a_repo_that_was_moved_or_copied_has_its_artifacts_beside_its_database(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: Callable[[Path, Path], object]
) -> None:
    old, new = tmp_path / "old", tmp_path / "new #1"
    old.mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{old}/mlflow.db")
    with store(params, "") as client:
        run = client.create_run(experiment_id(client, params)).info.run_id
        client.log_text(run, "before", "note.txt")

    move(old, new)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{new}/mlflow.db")
    with store(params, "") as client:
        earlier, later = client.get_run(run), client.create_run(experiment_id(client, params))
        client.log_text(later.info.run_id, "after", "more.txt")
    files = [path.name for path in (new / "mlartifacts").rglob("*.txt")]
    assert sorted(files) == ["more.txt", "note.txt"]
    assert earlier.info.artifact_uri.startswith((new / "mlartifacts").as_uri())
    assert not list(old.rglob("more.txt"))


def test_mlflows_own_page_finds_the_artifacts_of_a_repo_that_was_moved(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlartifacts").mkdir()
    database = sqlite3.connect(tmp_path / "mlflow.db")
    for table in {table for table, _ in tracking.ARTIFACT_COLUMNS}:
        columns = [column for owner, column in tracking.ARTIFACT_COLUMNS if owner == table]
        database.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    database.execute("INSERT INTO experiments VALUES ('file:///old/mlartifacts')")
    database.execute("INSERT INTO runs VALUES ('file:///old/mlartifacts/1')")
    database.commit()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")

    uri = tracking.usable_uri(params)

    assert uri == f"sqlite:///{tmp_path}/mlflow.db"
    (address,) = database.execute("SELECT artifact_uri FROM runs").fetchone()
    assert address == f"{(tmp_path / 'mlartifacts').as_uri()}/1"


def test_a_store_that_sqlite_cannot_read_is_one_line(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlartifacts").mkdir()
    (tmp_path / "mlflow.db").write_text("<<<<<<< ours")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")

    with pytest.raises(ConfigError, match=r"mlflow.db: SQLite cannot use it.*not a database"), store(params, ""):
        pass


@pytest.mark.parametrize("character", ["%", "?"])
def test_a_path_that_mlflow_cannot_use_is_one_line(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, character: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/100{character}/mlflow.db")

    with pytest.raises(ConfigError, match=re.escape(f"a path that holds {character}")), store(params, ""):
        pass
