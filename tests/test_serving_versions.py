"""Versions that come and go while a server is in use, and a registry that does not answer."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from served import Served
from serving import (
    LOOK,
    Server,
    load,
    only_answers,
    until,
    versions,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

# Few, for they take long; how many is for whoever wants to know more.
SWAPS = int(os.environ.get("SWAPS", "12"))
LOAD = LOOK + 10  # seconds: and a version is loaded
NO_TRIALS = {"canary": None, "shadow": None}


def test_no_request_fails_while_versions_are_exchanged(served: Served, server: Server) -> None:
    seen: list[int] = []
    with load(server, served.rows, 3, 1) as replies:
        for turn in range(SWAPS):
            seen.append(2 - turn % 2)
            served.move("production", seen[-1])
            until(lambda: server.versions()["production"] == seen[-1], f"version {seen[-1]}", server, LOAD)

    assert only_answers(replies)
    assert versions(replies) == {1, 2}
    assert len(replies) > 10 * SWAPS
    until(lambda: len(server.processes()) == 3, "only the version that is served has a process", server, 10)


def test_a_version_of_another_environment_answers_and_the_server_says_how_they_differ(
    served: Served, server: Server, tmp_path: Path
) -> None:
    assert server.ask("/model").body["environment"] == {}

    version = served.registry("of_another_environment", str(tmp_path))
    served.move("production", version)
    until(lambda: server.versions()["production"] == version, "the version", server, LOAD)

    locked = served.project.read("environment.yaml")["model"]["scikit-learn"]
    difference = f"scikit-learn {locked} is installed, it was made with 1.8.0"
    assert server.ask("/model").body["environment"] == {str(version): [difference]}
    assert server.ask("/predict", served.rows[0]).body["probability"] == served.expected[0]["probability"]


def test_what_a_version_answers_is_its_own(served: Served, server: Server) -> None:
    """However often it was exchanged, with a canary and without."""
    alone = {1: served.expected[:30]}
    served.move("production", 2)
    until(lambda: server.versions()["production"] == 2, "version 2", server)
    alone[2] = [server.ask("/predict", row).body for row in served.rows[:30]]
    assert [row["probability"] for row in alone[1]] != [row["probability"] for row in alone[2]]

    with load(server, served.rows[:30], 3, 1) as replies:
        for production, percent in ((1, 50), (2, 0), (1, 30), (2, 0)):
            served.move("canary", 3 if percent else 0, percent)
            until(lambda: server.ask("/model").body["canary_percent"] == percent, "canary", server, LOAD)  # noqa: B023
            served.move("production", production)
            until(lambda: server.versions() == {"production": production} | NO_TRIALS, "none", server, LOAD)  # noqa: B023

    assert only_answers(replies)
    answers = [row for answer in replies for row in answer.body.get("predictions", [answer.body])]
    known = {version: {row["probability"] for row in rows} for version, rows in alone.items()} | {3: set()}
    known[3] = known[1]
    assert all(answer["probability"] in known[answer["model_version"]] for answer in answers)
    assert {answer["model_version"] for answer in answers} == {1, 2, 3}


def test_a_move_is_seen_within_two_polling_intervals(served: Served, server: Server) -> None:
    def seen(alias: str, version: int, seconds: float, percent: int = 0) -> None:
        served.move(alias, version, percent)
        took = until(lambda: server.versions()[alias] == (version or None), f"{alias} {version}", server, seconds)
        print(f"{alias} {version}: {took:.2f} s")

    seen("shadow", 2, LOAD)
    seen("shadow", 0, LOOK)
    seen("canary", 2, LOAD, 20)
    served.move("canary", 2, 40)
    until(lambda: server.ask("/model").body["canary_percent"] == 40, "40%", server, LOOK)
    seen("canary", 0, LOOK)
    seen("canary", 2, LOAD, 20)
    seen("production", 2, LOOK)  # it is loaded already
    assert server.versions() == {"production": 2} | NO_TRIALS
    served.registry("rollback")
    until(lambda: server.versions()["production"] == 1, "rolled back", server, LOAD)


@pytest.mark.parametrize(("version", "message"), [(4, "it does not load: RuntimeError: it cannot be loaded"),
                                               (5, "its files in MLflow are not those that were registered")])  # fmt: skip
def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving(
    served: Served, server: Server, version: int, message: str
) -> None:
    with load(server, served.rows) as replies:
        served.move("production", version)
        until(lambda: server.ask("/health/ready").body["problems"], "a problem", server)
    health = server.ask("/health/ready")

    assert only_answers(replies)
    assert versions(replies) == {1}
    assert health.status == 200
    assert health.body["problems"] == ["a version cannot be loaded"]
    assert server.ask("/model").body["problems"] == [f"version {version}: {message}; retrying"]
    served.move("production", 1)
    until(lambda: not server.ask("/health/ready").body["problems"], "it is no problem any more", server)


def test_a_registry_that_does_not_answer_changes_nothing(served: Served, server: Server) -> None:
    with closing(sqlite3.connect(served.project.path / "mlflow.db", isolation_level=None, timeout=20)) as database:
        database.execute("PRAGMA legacy_alter_table = ON")  # it leaves those alone that refer to the table
        database.execute("ALTER TABLE registered_models RENAME TO elsewhere")
        with load(server, served.rows) as replies:
            until(lambda: server.ask("/model").body["registry"] != "reachable", "it is unreachable", server)
            health = server.ask("/health/ready")
            count = len(replies)
            until(lambda: len(replies) > count + 50, "it goes on answering", server)
        database.execute("ALTER TABLE elsewhere RENAME TO registered_models")

    assert only_answers(replies)
    assert health.status == 200
    assert health.body["problems"] == ["the registry does not say what to serve"]
    until(lambda: server.ask("/model").body["registry"] == "reachable", "it is reachable again", server)
    assert server.metric("registry_reachable") == 1
