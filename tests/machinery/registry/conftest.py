"""The store is a SQLite file; TEST_TRACKING_URI names another, such as a server: the same tests hold there."""

import json
import os
from pathlib import Path

import pytest

from lifecycle.core import config
from lifecycle.core.files import read_yaml
from lifecycle.core.git import git
from machinery.registry.lab import RAW, Lab, code


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An MLflow store with its tables made: that takes SQLite seconds, so it is done once."""
    if server := os.environ.get("TEST_TRACKING_URI"):
        return server
    import mlflow

    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    mlflow.MlflowClient(uri).search_registered_models()
    return uri


@pytest.fixture
def lab(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lab:
    import mlflow

    name = tmp_path.name
    params = read_yaml(config.PARAMS)
    params["data"]["raw"], params["track"]["experiment"] = RAW, name
    for folder in (config.MODEL.parent, config.METRICS):
        (tmp_path / folder).mkdir()
    (tmp_path / config.PARAMS).write_text(json.dumps(params))  # JSON is YAML
    (tmp_path / config.CONTRACT).write_text("columns: {}")
    for file, text in code(params["package"]).items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    (tmp_path / config.METRICS / "test.json").write_text('{"roc_auc": 0.9}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.delenv("GITHUB_ACTOR", raising=False)
    git("init", "--quiet")
    git("config", "commit.gpgsign", "false")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")
    mlflow.set_tracking_uri(address)
    return Lab(mlflow.MlflowClient(), name, capsys)
