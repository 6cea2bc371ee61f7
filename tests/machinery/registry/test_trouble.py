"""Moves at once, killed, lost; aliases, versions and records that somebody has moved or deleted."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from lifecycle import cli
from lifecycle.registry import ledger, moves
from lifecycle.registry.aliases import ALIASES
from lifecycle.registry.rollback import rollback
from machinery.registry.lab import NONE, Lab, promote

DOWN = "http://127.0.0.1:9"


@pytest.mark.parametrize("command", ["register", "history", "check"])
def test_a_store_that_does_not_answer_is_one_line(lab: Lab, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    lab.train("one")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", DOWN)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    (line,) = lab(command, code=2).splitlines()
    assert line == (
        f"error: MLflow at {DOWN} failed: it does not answer: connection refused; a move that has begun is completed by the next command"
    )


def test_of_two_moves_at_once_one_counts_and_the_other_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.to_production("one")
    lab.to_production("two")
    append = ledger.append

    def second(client: Any, model: str, move: ledger.Move) -> None:
        monkeypatch.setattr(ledger, "append", append)
        rival = rollback(client, model, 1, "the rival")
        assert rival
        append(client, model, move)

    lab.train("three")
    monkeypatch.setattr(ledger, "append", second)

    assert "Ada <ada@example.com> was faster: rollback of version 1 to production (the rival)" in lab(
        "register", code=1
    )
    assert lab.aliases == NONE | {"candidate": 2, "staging": 2, "production": 1}
    assert lab.moves[-1] == ("rollback", "production", 1, 2)
    lab("register")
    assert lab.aliases == NONE | {"candidate": 3, "staging": 2, "production": 1}


def test_moves_that_arrive_late_lose_however_many_came_between(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.to_production("one")
    lab.to_production("two")
    append, late = ledger.append, []
    monkeypatch.setattr(ledger, "append", lambda *arguments: late.append(arguments))
    with pytest.raises(moves.ConfigError, match="the record of this move is not in"):
        rollback(lab.client, lab.model, None, "late")
    monkeypatch.setattr(ledger, "append", append)
    lab.train("three")
    lab("register")
    lab(*promote("staging"))
    lab.pass_checks()
    monkeypatch.setattr(ledger, "append", lambda *arguments: late.append(arguments))
    with pytest.raises(moves.ConfigError, match="the record of this move is not in"):
        moves.promote(lab.client, lab.model, "production", None, "later")
    monkeypatch.setattr(ledger, "append", append)
    lab(*promote("production"))

    for arguments in late:
        append(*arguments)

    assert "note:" not in lab("history")
    assert lab.aliases["production"] == 3
    assert lab.moves[-1] == ("promote", "production", 3, 2)
    lab("rollback", "--reason", "bad")
    assert lab.moves[-1] == ("rollback", "production", 2, 3)


def test_a_command_killed_between_ledger_and_alias_is_finished_by_the_next(lab: Lab) -> None:
    lab.to_production("one")
    lab.train("two")
    lab("register")
    script = (
        "import os, signal, sys, mlflow; from lifecycle import cli\n"
        "mlflow.MlflowClient.set_registered_model_alias = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "cli.main(sys.argv[1:])"
    )
    source = str(Path(cli.__file__).parents[1])
    killed = subprocess.run(
        [sys.executable, "-c", script, *promote("staging")], env=os.environ | {"PYTHONPATH": source}, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL
    assert lab.aliases["staging"] == 1
    assert lab.moves[-1] == ("promote", "staging", 2, 1)

    printed = lab("history")

    assert "note: staging was version 1 in MLflow and is now version 2, as in the ledger" in printed
    assert "was interrupted" in printed
    assert lab.aliases["staging"] == 2
    assert "note:" not in lab("history")


CUTS: dict[str, tuple[Any, str, bool, list[str]]] = {
    "before the record": (ledger, "append", False, []),
    "after the record": (ledger, "append", True, []),
    "before the alias, another command between": (MlflowClient, "set_registered_model_alias", False, ["history"]),
    "after the alias": (MlflowClient, "set_registered_model_alias", True, []),
    "before the note on the version": (MlflowClient, "set_model_version_tag", False, []),
    "within the note, another command between": (MlflowClient, "set_model_version_tag", True, ["history"]),
}


@pytest.mark.parametrize(("where", "name", "done", "between"), CUTS.values(), ids=CUTS)
def test_a_rollback_cut_off_at_any_write_and_typed_again_is_finished_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, done: bool, between: list[str]
) -> None:
    lab.to_production("one")
    lab.to_production("two")
    write = getattr(where, name)

    def cut_off(*arguments: Any, **keywords: Any) -> None:
        if done:
            write(*arguments, **keywords)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(where, name, cut_off)
        lab("rollback", "--reason", "bad", code=130)
    if between:
        lab(*between)

    assert "rollback: version 1 is in production, where version 2 was" in lab("rollback", "--reason", "bad")

    assert lab.aliases == NONE | {"candidate": 2, "staging": 2, "production": 1}
    assert [move[0] for move in lab.moves].count("rollback") == 1
    assert "has not passed the staging checks: rolled back from production: bad" in lab(*promote("production"), code=1)


def test_after_a_rollback_that_was_killed_the_last_release_does_not_bring_the_bad_version_back(lab: Lab) -> None:
    lab.to_production("one")
    lab.to_production("two")
    script = (
        "import os, signal, sys, mlflow; from lifecycle import cli\n"
        "mlflow.MlflowClient.set_model_version_tag = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "cli.main(sys.argv[1:])"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])}
    command = [sys.executable, "-c", script, "rollback", "--reason", "bad"]
    assert subprocess.run(command, env=environment, timeout=120).returncode == -signal.SIGKILL
    assert lab.aliases["production"] == 1

    printed = lab(*promote("production"), code=1)

    assert "note: version 2 is noted as rolled back: its rollback (" in printed
    assert "has not passed the staging checks: rolled back from production: bad" in printed
    assert "note:" not in lab("history")


def test_a_registration_cut_off_before_its_record_is_completed_by_the_next(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.train("one")
    append = ledger.append
    monkeypatch.setattr(ledger, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    lab("register", code=130)
    assert lab.everything() == (dict.fromkeys(ALIASES), [], 1)
    monkeypatch.setattr(ledger, "append", append)

    assert lab("register") == f"register: version 1 of {lab.model} is the candidate\n"
    assert lab.everything() == (
        NONE | {"candidate": 1},
        [("register", "candidate", 1, None)],
        1,
    )


def test_a_record_that_a_repeated_request_has_written_twice_counts_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.train("one")
    append = ledger.append
    monkeypatch.setattr(ledger, "append", lambda *arguments: [append(*arguments), append(*arguments)])

    lab("register")

    assert lab.moves == [("register", "candidate", 1, None)]
    monkeypatch.setattr(ledger, "append", append)
    lab(*promote("staging"))
    assert lab.moves[1:] == [("promote", "staging", 1, None)]


def test_an_alias_that_was_moved_by_hand_is_put_back(lab: Lab) -> None:
    lab.to_production("one")
    lab.to_production("two")
    lab.client.set_registered_model_alias(lab.model, "production", "1")

    assert "note: production was version 1 in MLflow and is now version 2" in lab("show", "production")
    assert lab.aliases["production"] == 2


def test_a_version_deleted_under_us_is_told_and_the_others_go_on(lab: Lab) -> None:
    lab.to_production("one")
    lab.to_production("two")
    lab.client.delete_model_version(lab.model, "2")

    assert "note: version 2, which is production, was deleted from MLflow" in lab("history")
    assert "error: no version is in staging" in lab("check", code=1)
    lab("rollback", "--reason", "it is gone")
    assert lab.aliases["production"] == 1
    assert "error: MLflow has no version 2" in lab("rollback", "--to", "2", "--reason", "back", code=2)


def test_a_model_deleted_under_us_is_told_before_its_numbers_start_anew(lab: Lab) -> None:
    lab.to_production("one")
    lab.client.delete_registered_model(lab.model)

    for command in (("register",), promote("staging"), ("history",)):
        assert f"error: registered model {lab.model} is gone from MLflow, but its ledger is not" in lab(
            *command, code=2
        )
    assert lab.client.search_model_versions(f"name = '{lab.model}'") == []


def test_a_model_made_anew_under_the_same_name_gets_no_alias_of_the_old(lab: Lab) -> None:
    lab.to_production("one")
    lab.to_production("two")
    first = lab.client.get_model_version(lab.model, "1")
    lab.client.delete_registered_model(lab.model)
    lab.client.create_registered_model(lab.model)
    for number in (1, 2):
        assert int(lab.twin(first).version) == number

    assert "note: version 2, which is production, was deleted from MLflow" in lab("history")
    assert "error: MLflow has no version 1 of" in lab("rollback", "--reason", "bad", code=2)
    assert lab.aliases == dict.fromkeys(ALIASES)


def test_a_record_deleted_by_hand_and_one_made_by_hand_leave_the_others(lab: Lab) -> None:
    lab.to_production("one")
    lab.to_production("two")
    lab.client.delete_model_version(ledger.ledger_of(lab.model), "3")
    lab.client.create_model_version(ledger.ledger_of(lab.model), f"models:/{lab.model}/1")

    assert "note:" not in lab("history")
    assert [move[2] for move in lab.moves] == [1, 1, 2, 2, 2]
    lab("rollback", "--reason", "bad")
    assert lab.aliases["production"] == 1
