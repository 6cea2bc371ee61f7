"""How a model comes in, each rule with the case that breaks it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core import config
from lifecycle.core.dvc_files import stages_here, stages_of
from lifecycle.core.files import file_hash
from lifecycle.core.git import git
from lifecycle.core.tracking import lock_hash
from lifecycle.registry import ledger, moves
from lifecycle.registry.aliases import ALIASES
from machinery.registry.lab import NONE, REPORT, SCORING, Lab, promote, tag


def test_a_version_carries_its_lineage(lab: Lab) -> None:
    lab.train("one")
    lab("register")

    version = lab.client.get_model_version(lab.model, "1")

    assert version.tags["model.sha256"] == file_hash(config.MODEL)
    assert version.tags["dvc.lock.sha256"] == lock_hash(stages_here())
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

    assert "already registered" in lab("register")
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
            "error: the gate has not checked the model in models/: `make gate` first",
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
        (lambda lab: config.LOCK.write_text('{"stages": {"train": {}}}'), "error: dvc.lock differs from the commit"),
        (lambda lab: config.LOCK.unlink(), "error: dvc.lock: no such file"),
        (lambda lab: relock(lab, {}), "error: dvc.lock of the commit does not match its params.yaml"),
        (lambda lab: relock(lab, {"stages": {"data": {"deps": []}}}), "error: dvc.lock of the commit does not match"),
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
    tag(lab, "gate.dvc.lock.sha256", lock_hash(stages_of(json.dumps(lock), "dvc.lock")))


def change(name: str) -> None:
    Path(name).write_text("# changed")


def test_other_code_with_the_same_results_makes_a_new_version(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    change(SCORING)
    lab.commit("Answers in another way")
    lab.track()
    lab.gate()

    assert lab("register") == f"register: version 2 of {lab.model} is the candidate\n"
    old, new = (lab.client.get_model_version(lab.model, number) for number in ("1", "2"))
    assert old.source != new.source
    assert old.run_id == new.run_id
    assert old.tags["dvc.lock.sha256"] == new.tags["dvc.lock.sha256"]
    assert old.tags["code.sha256"] != new.tags["code.sha256"]
    assert "already registered" in lab("register")
    assert lab.aliases == NONE | {"candidate": 2}


def test_a_commit_names_the_version_that_answers_with_its_code(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    change(SCORING)
    lab.commit("Answers in another way")

    assert f"error: no version of {lab.model} was registered with the dvc.lock and the code of commit" in lab(
        "show", "HEAD", code=1
    )
    lab.track()
    lab.gate()
    lab("register")
    assert lab("show", "HEAD").startswith("version 2 of")
    assert lab("show", "HEAD~1").startswith("version 1 of")
    assert "version 2 is in staging" in lab(*promote("staging", "--version", "HEAD"))


def test_code_that_no_version_answers_with_makes_no_new_version(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    before = lab.everything()
    change(REPORT)
    lab.commit("The report reads better")
    lab.gate()

    assert lab("register") == f"register: version 1 of {lab.model} is already registered\n"
    assert lab.everything() == before
    assert lab("show", "HEAD").startswith("version 1 of")


@pytest.mark.parametrize(
    ("steps", "code", "message"),
    [
        ([], 2, "error: src, params.yaml or contract.yaml differ from the commit: commit them"),
        (["commit", "gate"], 2, "error: MLflow has the model in models/ with other code than this checkout's: `make track` logs it anew, then `make gate`"),
        (["commit", "track"], 1, "error: the gate has passed this model, but with other code: `make gate` again"),
    ],
    ids=["not committed", "not tracked", "not gated"],
)  # fmt: skip
def test_code_that_is_not_committed_tracked_and_passed_by_the_gate_is_not_registered(
    lab: Lab, steps: list[str], code: int, message: str
) -> None:
    lab.train("one")
    lab("register")
    before = lab.everything()
    change(SCORING)
    for step in steps:
        {"commit": lambda: lab.commit("More"), "track": lab.track, "gate": lab.gate}[step]()

    printed = lab("register", code=code)

    assert printed.startswith(message)
    assert printed.count("\n") == 1
    assert lab.everything() == before


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

    assert lab.aliases == NONE | {"candidate": 2, "staging": None, "production": 1}


def test_an_alias_without_a_version_and_a_commit_without_one_are_told(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    lab.train("two")

    assert f"error: no version of {lab.model} is production" in lab("show", "production", code=1)
    assert f"error: no version of {lab.model} was registered with the dvc.lock and the code of commit" in lab(
        "show", "HEAD", code=1
    )


def test_an_experiments_folder_and_signs_do_not_reach_the_models_name() -> None:
    track = config.load().track.model_copy(update={"experiment": "/team/ada/it's churn:1"})

    assert track.model == "it_s churn_1"


def test_on_github_the_one_who_started_the_workflow_is_on_record(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    lab.train("one")
    lab("register")

    assert json.loads(lab("history", "--json"))[0]["who"] == "octocat"


def test_without_gits_name_the_login_is_on_record(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves, "git", lambda *_: (_ for _ in ()).throw(moves.ConfigError("no name")))
    monkeypatch.setenv("LOGNAME", "somebody")

    assert moves.who() == "somebody"
    monkeypatch.setattr(moves.getpass, "getuser", lambda: os.environ["NO SUCH USER"])
    assert moves.who() == "unknown"
