"""What has to be seen of an environment's servers before a deployment counts as done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lifecycle.core import config
from lifecycle.core.errors import RefusedError
from lifecycle.core.version_files import INPUTS, KNOWN, PREDICTIONS
from lifecycle.serving import settings
from lifecycle.serving.client import Client
from lifecycle.serving.rollout import environment
from lifecycle.serving.rollout.environment import Environment


@pytest.fixture
def production() -> Environment:
    serving = settings.load()
    server = serving.server.model_copy(update={"poll_seconds": 0.1})
    return Environment("production", serving.model_copy(update={"server": server}))


def says(
    monkeypatch: pytest.MonkeyPatch, versions: list[int | None], failed: str = "", attempts: tuple[int, ...] = (0,)
) -> Iterator[int | None]:
    """Let the server say it serves these versions, one after the other, and the last for ever; and how often one has failed to load."""
    left, failures = iter(versions), iter(attempts)

    def status(client: Client) -> dict[str, Any]:
        count = next(failures, attempts[-1])
        reported = {failed: {"attempts": count, "error": "it does not load: oh"}} if count else {}
        return {"server": "a", "versions": {"production": next(left, versions[-1])}, "load_failures": reported}

    monkeypatch.setattr(Client, "status", status)
    return left


def test_a_version_has_to_be_served_for_as_long_as_a_server_takes_to_look(
    production: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = says(monkeypatch, [1, 1, 2, 1, 2])  # two replicas behind one address, one of them later

    production.wait_for("production", 2)

    assert list(left) == []


@pytest.mark.parametrize(
    ("role", "failed", "attempts", "message"),
    [
        ("staging", "2", (0,), "serves production, not staging: correct environments in serving.yaml"),
        ("production", "2", (0, 1), "a server of production does not serve it: version 2: it does not load"),
        ("production", "2", (7, 7, 8), "a server of production does not serve it: version 2: it does not load"),
        ("production", "2", (7, 0, 1), "a server of production does not serve it: version 2: it does not load"),
        ("production", "2", (0,), "do not serve version 2 within 0.5 s"),
        ("production", "2", (7,), "do not serve version 2 within 0.5 s"),
        ("production", "3", (0, 1), "do not serve version 2 within 0.5 s"),
    ],
)
def test_what_does_not_become_good_is_refused(
    production: Environment,
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    failed: str,
    attempts: tuple[int, ...],
    message: str,
) -> None:
    says(monkeypatch, [1], failed, attempts)
    monkeypatch.setattr(environment, "WAIT_SECONDS", 0.5)

    with pytest.raises(RefusedError, match=message):
        production.wait_for(role, 2)


def test_a_failure_from_before_is_no_reason_to_give_up(
    production: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, [1, 1, 1, 2], "2", (7, 7, 7, 0))

    production.wait_for("production", 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A version with two known rows."""
    (tmp_path / config.PARAMS).write_text(config.PARAMS.read_text())
    columns = {"x": {"dtype": "int64"}, "day": {"dtype": "datetime64[ns]"}}
    (tmp_path / config.CONTRACT).write_text(json.dumps({"columns": columns}))  # JSON is YAML
    (tmp_path / KNOWN).mkdir()
    pd.DataFrame({"x": [1.0, 2.0], "day": [pd.Timestamp("2026-01-31"), pd.NaT]}).to_parquet(tmp_path / KNOWN / INPUTS)
    pd.DataFrame({"prediction": [0.25, 100.0]}).to_parquet(tmp_path / KNOWN / PREDICTIONS)
    return tmp_path


@pytest.mark.parametrize(
    ("second", "good"), [(100.0, True), (100.0 + 1e-10, True), (100.1, False), (float("nan"), False)]
)
def test_answers_have_to_be_those_of_evaluate(
    production: Environment, folder: Path, monkeypatch: pytest.MonkeyPatch, second: float, good: bool
) -> None:
    calls: list[Any] = []

    def predict(client: Client, records: list[dict[str, Any]], version: int | None = None) -> list[dict[str, Any]]:
        calls.extend([records, version])
        return [{"prediction": 0.25}, {"prediction": second}]

    monkeypatch.setattr(Client, "predict", predict)

    if good:
        assert production.smoke_test(2, folder) == 2
    else:
        with pytest.raises(RefusedError, match="does not reproduce the predictions of evaluate"):
            production.smoke_test(2, folder)
    assert calls == [[{"x": 1, "day": "2026-01-31T00:00:00"}, {"x": 2, "day": None}], 2]


def test_servers_whose_packages_differ_from_the_versions_are_named(
    production: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "scikit-learn 1.9.1 is installed, it was made with 1.8.0"
    monkeypatch.setattr(Client, "status", lambda client: {"environment": {"2": [line]}})

    assert production.package_differences(2) == [f"{client.url}: {line}" for client in production.clients]
    assert production.package_differences(1) == []
