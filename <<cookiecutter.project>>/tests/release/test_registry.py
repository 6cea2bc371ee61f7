"""The rules of the registry, each with the case that breaks it, through the command line and a real MLflow store.

The store is a SQLite file; TEST_TRACKING_URI names another, such as a server: the same tests hold there.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from << cookiecutter.package >> import cli, config
from << cookiecutter.package >>.files import file_hash, read_yaml
from << cookiecutter.package >>.release import ledger, registry
from << cookiecutter.package >>.release.aliases import ALIASES, holder
from << cookiecutter.package >>.release.registry import CHECKS
from << cookiecutter.package >>.release.revisions import git
from << cookiecutter.package >>.tracking import lock_hash

RAW = "data/raw/rows.csv"
DOWN = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An MLflow store with its tables made: that takes SQLite seconds, so it is done once."""
    if server := os.environ.get("TEST_TRACKING_URI"):
        return server
    import mlflow

    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    mlflow.MlflowClient(uri).search_registered_models()
    return uri


@dataclass
class Lab:
    """A repo with models to register, and a store for them."""

    client: Any
    model: str
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run a command; return what it prints, errors included."""
        self.capture.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.main(list(arguments))
        printed = "".join(self.capture.readouterr())
        assert leaving.value.code == code, printed
        return printed

    def train(self, name: str, verdict: str = "pass") -> None:
        """Put a model into models/, commit its dvc.lock, and log a run on which the gate's verdict stands."""
        config.MODEL.write_text(name)
        lock = {"stages": {"data": {"deps": [{"path": RAW, "md5": "d" * 32}]}, "train": {"cmd": name}}}
        config.LOCK.write_text(json.dumps(lock))
        git("add", "--all")
        git("commit", "--quiet", "--message", name)
        experiment = self.client.get_experiment_by_name(self.model) or self.client.get_experiment(
            self.client.create_experiment(self.model)
        )
        run = self.client.create_run(experiment.experiment_id)
        tags = {"model.sha256": file_hash(config.MODEL), "complete": "true"}
        tags |= {"gate.dvc.lock.sha256": lock_hash(lock), "gate.verdict": verdict, "gate.reason": f"{verdict}: {name}"}
        for key, value in tags.items():
            self.client.set_tag(run.info.run_id, key, value)
        logged = self.client.create_logged_model(experiment.experiment_id, "model", source_run_id=run.info.run_id)
        self.client.set_tag(run.info.run_id, "model.id", logged.model_id)
        self.client.log_model_artifact(logged.model_id, str(config.MODEL))

    def to_production(self, name: str) -> None:
        """Take a new model all the way; what staging checks is taken as passed."""
        self.train(name)
        self("register")
        self("promote", "--to", "staging", "--reason", name)
        self.pass_checks()
        self("promote", "--to", "production", "--reason", name)

    def twin(self, version: Any) -> Any:
        """Add a version that is made of the same model as another."""
        logged = version.source.removeprefix("models:/")
        return self.client.create_model_version(
            self.model, version.source, version.run_id, version.tags, model_id=logged
        )

    def pass_checks(self) -> None:
        self.client.set_model_version_tag(self.model, str(self.aliases["staging"]), CHECKS, "passed: by a test")

    @property
    def aliases(self) -> dict[str, int | None]:
        """Alias → version, as MLflow has them."""
        return {alias: holder(self.client, self.model, alias) for alias in ALIASES}

    @property
    def moves(self) -> list[tuple[str, str, int, int | None]]:
        moves = ledger.history(self.client, self.model)
        return [(move.action, move.alias, move.version, move.previous) for move in moves]

    def everything(self) -> Any:
        return self.aliases, self.moves, len(self.client.search_model_versions(f"name = '{self.model}'"))


@pytest.fixture
def lab(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lab:
    import mlflow

    name = tmp_path.name
    params = read_yaml(config.PARAMS)
    params["data"]["raw"], params["track"]["experiment"] = RAW, name
    for folder in (config.MODEL.parent, config.METRICS):
        (tmp_path / folder).mkdir()
    (tmp_path / config.PARAMS).write_text(json.dumps(params))  # JSON is YAML
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


def test_a_model_goes_from_candidate_to_production_and_every_move_is_on_record(lab: Lab) -> None:
    lab.train("one")

    assert lab("register") == f"register: version 1 of {lab.model} is candidate\n"
    assert lab.aliases == {"candidate": 1, "staging": None, "production": None}
    assert lab("promote", "--to", "staging", "--reason", "try it") == "promote: version 1 is in staging\n"
    lab.pass_checks()
    lab("promote", "--to", "production", "--reason", "good")

    assert lab.aliases == {"candidate": 1, "staging": 1, "production": 1}
    assert lab.moves == [
        ("register", "candidate", 1, None),
        ("promote", "staging", 1, None),
        ("promote", "production", 1, None),
    ]
    (*_, last) = json.loads(lab("history", "--json"))
    assert last["who"] == "Ada <ada@example.com>"
    assert last["reason"] == "good"
    assert last["commit"] == git("rev-parse", "HEAD").strip()
    assert last["gate"] == "pass: one"


def test_a_version_carries_its_lineage(lab: Lab) -> None:
    lab.train("one")
    lab("register")

    version = lab.client.get_model_version(lab.model, "1")

    assert version.tags["model.sha256"] == file_hash(config.MODEL)
    assert version.tags["dvc.lock.sha256"] == lock_hash(read_yaml(config.LOCK))
    assert version.tags["git.commit"] == git("rev-parse", "HEAD").strip()
    assert version.tags["data.md5"] == "d" * 32
    assert json.loads(version.tags["metrics"]) == {"roc_auc": 0.9}
    assert version.tags["gate.verdict"] == "pass"
    assert version.run_id
    git("commit", "--quiet", "--allow-empty", "--message", "Docs")
    for which in ("1", "candidate", "HEAD", "HEAD~1", git("rev-parse", "HEAD").strip()):
        assert lab("show", which).startswith(f"version 1 of {lab.model}: candidate\n")


def test_registering_again_changes_nothing(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    before = lab.everything()

    assert "registered already" in lab("register")
    assert lab.everything() == before


def test_registering_an_older_model_again_leaves_the_newer_candidate(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    lab.train("two")
    lab("register")
    before = lab.everything()

    git("checkout", "--quiet", "HEAD~1")
    assert "version 1" in lab("register")
    assert lab.everything() == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda lab: lab.train("bad", "fail"), "error: the gate has not passed the model in models/: fail: bad"),
        (
            lambda lab: tag(lab, "gate.verdict", None),
            "error: the gate has not judged the model in models/: `make gate` first",
        ),
        (lambda lab: tag(lab, "gate.dvc.lock.sha256", "0" * 64), "but with another dvc.lock: `make gate` again"),
    ],
    ids=["failed", "not judged", "another dvc.lock"],
)
def test_without_the_gates_word_on_this_model_nothing_is_registered(
    lab: Lab, spoil: Callable[[Lab], None], message: str
) -> None:
    lab.train("one")
    spoil(lab)

    assert message in lab("register", code=1)
    assert lab.everything() == (dict.fromkeys(ALIASES), [], 0)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda lab: config.MODEL.write_text("another"), "error: MLflow has no complete run of the model in models/"),
        (lambda lab: tag(lab, "complete", None), "error: MLflow has no complete run of the model in models/"),
        (lambda lab: tag(lab, "model.id", None), "error: MLflow has no complete run of the model in models/"),
        (lambda lab: config.MODEL.unlink(), "error: models/model.skops: no such file"),
        (lambda lab: config.LOCK.write_text('{"stages": {"train": {}}}'), "error: dvc.lock is not the committed one"),
        (lambda lab: config.LOCK.unlink(), "error: dvc.lock: no such file"),
        (lambda lab: relock(lab, {"stages": None}), "error: dvc.lock of the commit does not fit its params.yaml"),
        (lambda lab: relock(lab, {"stages": {"data": {"deps": []}}}), "error: dvc.lock of the commit does not fit"),
    ],
    ids=[
        "model not tracked",
        "run cut off",
        "run without a model",
        "no model",
        "dvc.lock not committed",
        "no dvc.lock",
        "dvc.lock without stages",
        "another dataset",
    ],
)
def test_what_cannot_be_made_again_is_not_registered(lab: Lab, spoil: Callable[[Lab], None], message: str) -> None:
    lab.train("one")
    spoil(lab)

    assert lab("register", code=2).startswith(message)
    assert lab.everything() == (dict.fromkeys(ALIASES), [], 0)


def relock(lab: Lab, lock: dict[str, Any]) -> None:
    """Commit another dvc.lock, and let the gate have passed the model with it."""
    config.LOCK.write_text(json.dumps(lock))
    git("commit", "--quiet", "--all", "--message", "Another dvc.lock")
    tag(lab, "gate.dvc.lock.sha256", lock_hash(lock))


def tag(lab: Lab, name: str, value: str | None) -> None:
    experiment = lab.client.get_experiment_by_name(lab.model)
    (run,) = lab.client.search_runs([experiment.experiment_id])
    if value is None:
        lab.client.delete_tag(run.info.run_id, name)
    else:
        lab.client.set_tag(run.info.run_id, name, value)


def promote(to: str, *more: str) -> tuple[str, ...]:
    return ("promote", "--to", to, "--reason", "why", *more)


def test_no_step_is_skipped(lab: Lab) -> None:
    assert "error: no version is candidate" in lab(*promote("staging"), code=1)
    lab.train("one")
    lab("register")
    before = lab.everything()

    assert "error: no version is staging" in lab(*promote("production"), code=1)
    assert "version 1 is not staging (no version is)" in lab(*promote("production", "--version", "1"), code=1)
    assert lab.everything() == before


def test_only_what_passed_the_checks_of_staging_reaches_production(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    lab(*promote("staging"))

    assert "has not passed the checks of staging: run check (make check) first" in lab(*promote("production"), code=1)
    assert "has failed" in lab("check", code=1)  # a file of four letters is no model
    assert "has not passed the checks of staging: failed: " in lab(*promote("production"), code=1)
    assert lab.aliases["production"] is None


def test_a_model_that_was_exchanged_in_the_store_fails_the_checks(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    lab(*promote("staging"))
    run = lab.client.get_run(lab.client.get_model_version(lab.model, "1").run_id)
    config.MODEL.write_text("exchanged")
    lab.client.log_model_artifact(run.data.tags["model.id"], str(config.MODEL))

    assert "its file in MLflow is not the one that the gate judged" in lab("check", code=1)


def test_the_old_does_not_replace_the_new_but_by_rollback(lab: Lab) -> None:
    lab.to_production("one")
    lab.to_production("two")
    before = lab.everything()

    assert "version 1 is older than version 2, which is production" in lab(
        *promote("production", "--version", "1"), code=1
    )
    assert "version 1 is older than version 2, which is staging" in lab(*promote("staging", "--version", "1"), code=1)
    assert lab.everything() == before
    assert lab("rollback", "--reason", "worse") == "rollback: version 1 is in production, where version 2 was\n"
    assert lab.aliases == {"candidate": 2, "staging": 2, "production": 1}


def test_a_newer_candidate_is_not_promoted_under_an_older_ones_name(lab: Lab) -> None:
    lab.to_production("one")
    lab.train("two")
    lab("register")
    lab.train("three")
    lab("register")
    before = lab.everything()

    for which in ("2", "HEAD~1"):
        assert "version 2 is not candidate (that is version 3)" in lab(*promote("staging", "--version", which), code=1)
    assert lab.everything() == before


def test_promoting_what_is_there_already_changes_nothing(lab: Lab) -> None:
    lab.to_production("one")
    before = lab.everything()

    assert "nothing to do" in lab(*promote("production"))
    assert "nothing to do" in lab(*promote("staging", "--version", "1"))
    assert lab.everything() == before


def test_a_rollback_can_be_rolled_back_and_any_former_version_be_named(lab: Lab) -> None:
    lab.to_production("one")
    assert "version 1 is the first in production" in lab("rollback", "--reason", "bad", code=1)
    lab.to_production("two")
    lab.to_production("three")

    seen = []
    for arguments in [(), (), ("--to", "1"), (), ("--to", "3")]:
        lab("rollback", "--reason", "bad", *arguments)
        seen.append(lab.aliases["production"])

    assert seen == [2, 3, 1, 3, 3]
    assert [move[:3] for move in lab.moves[-4:]] == [("rollback", "production", version) for version in (2, 3, 1, 3)]


def test_what_never_was_in_production_is_not_rolled_back_to(lab: Lab) -> None:
    assert "no version is in production" in lab("rollback", "--reason", "bad", code=1)
    lab.to_production("one")
    lab.train("two")
    lab("register")

    assert "version 2 has never been in production" in lab("rollback", "--to", "2", "--reason", "bad", code=1)
    assert lab.aliases["production"] == 1


def test_what_was_rolled_back_returns_only_after_new_checks(lab: Lab) -> None:
    lab.to_production("one")
    lab.to_production("two")
    lab("rollback", "--reason", "complaints")

    assert "has not passed the checks of staging: rolled back from production: complaints" in lab(
        *promote("production", "--version", "HEAD"), code=1
    )
    lab.pass_checks()
    lab(*promote("production"))
    assert lab.aliases["production"] == 2


def test_history_answers_what_was_in_production_at_a_time(lab: Lab) -> None:
    assert "has not moved yet" in lab("history")
    lab.to_production("one")
    between = json.loads(lab("history", "--json"))[-1]["when"]
    lab.to_production("two")

    (then,) = json.loads(lab("history", "--json", "--at", between))
    assert then["version"] == 1
    assert "promote  production  2        1 " in lab("history", "--at", "2999-01-01")
    assert "no version of" in lab("history", "--at", "2001-01-01")
    assert len(lab("history").splitlines()) == 7


WRONG_QUESTIONS = {
    ("promote", "--to", "staging", "--reason", " \t "): "error: --reason (of make: REASON): say why",
    ("promote", "--to", "staging", "--reason", "x" * 501): "error: --reason (of make: REASON): say why",
    ("promote", "--to", "staging"): "the following arguments are required: --reason",
    ("promote", "--to", "live", "--reason", "x"): "invalid choice: 'live'",
    ("promote", "--to", "production", "--version", "9", "--reason", "x"): "error: MLflow has no version 9",
    (
        "promote",
        "--to",
        "production",
        "--version",
        "-1",
        "--reason",
        "x",
    ): "error: version -1: git knows no such revision here",
    ("rollback", "--to", "9", "--reason", "x"): "error: MLflow has no version 9",
    ("rollback", "--reason", ""): "error: --reason (of make: REASON): say why",
    ("rollback", "--reason", "an \u202eevil reason"): "error: --reason (of make: REASON): say why",
    ("history", "--at", "yesterday"): "error: --at yesterday: not a date such as",
    ("history", "--at", ""): "error: --at : not a date such as",
    ("show", "9"): "error: MLflow has no version 9",
    ("show", "nowhere"): "error: version nowhere: git knows no such revision here",
}


def test_a_question_that_is_wrong_is_refused_in_one_line_and_changes_nothing(lab: Lab) -> None:
    lab.to_production("one")
    before = lab.everything()

    for arguments, message in WRONG_QUESTIONS.items():
        printed = lab(*arguments, code=2)
        assert message in printed.splitlines()[-1]
        assert "Traceback" not in printed

    assert lab.everything() == before


def test_an_alias_without_a_version_and_a_commit_without_one_are_told(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    lab.train("two")

    assert f"error: no version of {lab.model} is production" in lab("show", "production", code=1)
    assert f"error: no version of {lab.model} was registered with the dvc.lock of commit" in lab("show", "HEAD", code=1)


@pytest.mark.parametrize("command", ["register", "history", "check"])
def test_a_store_that_does_not_answer_is_one_line(lab: Lab, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    lab.train("one")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", DOWN)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    (line,) = lab(command, code=2).splitlines()
    assert line == (
        f"error: MLflow at {DOWN} failed: it does not answer; should a move have begun, the next command finishes it"
    )


def test_of_two_moves_at_once_one_counts_and_the_other_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.to_production("one")
    lab.to_production("two")
    append = ledger.append

    def second(client: Any, model: str, move: ledger.Move) -> None:
        monkeypatch.setattr(ledger, "append", append)
        rival = registry.rollback(client, model, 1, "the rival")
        assert rival
        append(client, model, move)

    lab.train("three")
    monkeypatch.setattr(ledger, "append", second)

    assert "Ada <ada@example.com> was faster: rollback of version 1 to production (the rival)" in lab(
        "register", code=1
    )
    assert lab.aliases == {"candidate": 2, "staging": 2, "production": 1}
    assert lab.moves[-1] == ("rollback", "production", 1, 2)
    lab("register")
    assert lab.aliases == {"candidate": 3, "staging": 2, "production": 1}


def test_moves_that_arrive_late_lose_however_many_came_between(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.to_production("one")
    lab.to_production("two")
    append, late = ledger.append, []
    monkeypatch.setattr(ledger, "append", lambda *arguments: late.append(arguments))
    with pytest.raises(registry.ConfigError, match="the record of this move is not in"):
        registry.rollback(lab.client, lab.model, None, "late")
    monkeypatch.setattr(ledger, "append", append)
    lab.train("three")
    lab("register")
    lab(*promote("staging"))
    lab.pass_checks()
    monkeypatch.setattr(ledger, "append", lambda *arguments: late.append(arguments))
    with pytest.raises(registry.ConfigError, match="the record of this move is not in"):
        registry.promote(lab.client, lab.model, "production", None, "later")
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
        "import os, signal, sys, mlflow; from << cookiecutter.package >> import cli\n"
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

    assert "note: staging was version 1 in MLflow and is version 2 now, as the ledger says" in printed
    assert "was cut off" in printed
    assert lab.aliases["staging"] == 2
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

    assert lab("register") == f"register: version 1 of {lab.model} is candidate\n"
    assert lab.everything() == (
        {"candidate": 1, "staging": None, "production": None},
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

    assert "note: production was version 1 in MLflow and is version 2 now" in lab("show", "production")
    assert lab.aliases["production"] == 2


def test_a_version_deleted_under_us_is_told_and_the_others_go_on(lab: Lab) -> None:
    lab.to_production("one")
    lab.to_production("two")
    lab.client.delete_model_version(lab.model, "2")

    assert "note: version 2, which is production, was deleted from MLflow" in lab("history")
    assert "error: no version is in staging" in lab("check", code=1)
    lab("rollback", "--reason", "it is gone")
    assert lab.aliases["production"] == 1
    assert "error: MLflow has no version 2" in lab("rollback", "--reason", "back", code=2)


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


def test_of_two_versions_of_one_model_the_one_with_an_alias_is_meant(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    first = lab.client.get_model_version(lab.model, "1")
    lab.twin(first)

    assert "version 1 " in lab("register")
    assert "version 1 " in lab(*promote("staging", "--version", "HEAD"))


def test_aliases_from_before_the_ledger_are_taken_over(lab: Lab) -> None:
    lab.train("old")
    lab("register")
    lab.client.set_registered_model_alias(lab.model, "production", "1")
    lab.client.delete_registered_model(ledger.ledger_of(lab.model))

    lab.train("new")
    lab("register")

    assert lab.aliases == {"candidate": 2, "staging": None, "production": 1}


def test_on_github_the_one_who_started_the_workflow_is_on_record(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    lab.train("one")
    lab("register")

    assert json.loads(lab("history", "--json"))[0]["who"] == "octocat"


def test_without_gits_name_the_login_is_on_record(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "git", lambda *_: (_ for _ in ()).throw(registry.ConfigError("no name")))
    monkeypatch.setenv("LOGNAME", "somebody")

    assert registry.who() == "somebody"
    monkeypatch.setattr(registry.getpass, "getuser", lambda: os.environ["NO SUCH USER"])
    assert registry.who() == "unknown"


def test_an_experiments_folder_and_signs_do_not_reach_the_models_name() -> None:
    track = config.load().track.model_copy(update={"experiment": "/team/ada/it's churn:1"})

    assert track.model == "it_s churn_1"
