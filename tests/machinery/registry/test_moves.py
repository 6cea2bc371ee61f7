"""How versions move on and back, each rule with the case that breaks it."""

import json

import pytest

from lifecycle.core import config
from lifecycle.core.git import git
from machinery.registry.lab import NONE, Lab, promote


def test_a_model_goes_from_candidate_to_production_and_every_move_is_on_record(lab: Lab) -> None:
    lab.train("one")

    assert lab("register") == f"register: version 1 of {lab.model} is the candidate\n"
    assert lab.aliases == NONE | {"candidate": 1, "staging": None, "production": None}
    assert lab("promote", "--to", "staging", "--reason", "try it") == "promote: version 1 is in staging\n"
    lab.pass_checks()
    lab("promote", "--to", "production", "--reason", "good")

    assert lab.aliases == NONE | {"candidate": 1, "staging": 1, "production": 1}
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


def test_no_step_is_skipped(lab: Lab) -> None:
    assert "error: no version is the candidate" in lab(*promote("staging"), code=1)
    lab.train("one")
    lab("register")
    before = lab.everything()

    assert "error: no version is in staging" in lab(*promote("production"), code=1)
    assert "version 1 is not in staging (no version is)" in lab(*promote("production", "--version", "1"), code=1)
    assert lab.everything() == before


def test_only_what_passed_the_checks_of_staging_reaches_production(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    lab(*promote("staging"))

    assert "has not passed the staging checks: run check (make check) first" in lab(*promote("production"), code=1)
    assert "has failed" in lab("check", code=1)  # a file of four letters is no model
    assert "has not passed the staging checks: failed: " in lab(*promote("production"), code=1)
    assert lab.aliases["production"] is None


def test_a_model_that_was_exchanged_in_the_store_fails_the_checks(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    lab(*promote("staging"))
    run = lab.client.get_run(lab.client.get_model_version(lab.model, "1").run_id)
    config.MODEL.write_text("exchanged")
    lab.client.log_model_artifact(run.data.tags["model.id"], str(config.MODEL))

    assert "its model file in MLflow is not the one that the gate checked" in lab("check", code=1)


def test_the_old_does_not_replace_the_new_but_by_rollback(lab: Lab) -> None:
    lab.to_production("one")
    lab.to_production("two")
    before = lab.everything()

    assert "version 1 is older than version 2, which is in production" in lab(
        *promote("production", "--version", "1"), code=1
    )
    assert "version 1 is older than version 2, which is in staging" in lab(
        *promote("staging", "--version", "1"), code=1
    )
    assert lab.everything() == before
    assert lab("rollback", "--reason", "worse") == "rollback: version 1 is in production, where version 2 was\n"
    assert lab.aliases == NONE | {"candidate": 2, "staging": 2, "production": 1}


def test_a_newer_candidate_is_not_promoted_under_an_older_ones_name(lab: Lab) -> None:
    lab.to_production("one")
    lab.train("two")
    lab("register")
    lab.train("three")
    lab("register")
    before = lab.everything()

    for which in ("2", "HEAD~1"):
        assert "version 2 is not the candidate (version 3 is)" in lab(*promote("staging", "--version", which), code=1)
    assert lab.everything() == before


def test_a_release_that_is_approved_after_a_newer_one_reached_staging_is_refused(lab: Lab) -> None:
    lab.to_production("one")
    for model in ("two", "three"):
        lab.train(model)
        lab("register")
        lab(*promote("staging"))
    before = lab.everything()

    for which in ("2", "HEAD~1"):
        assert "version 2 is not in staging (version 3 is)" in lab(*promote("production", "--version", which), code=1)
    assert lab.everything() == before


def test_promoting_what_is_there_already_changes_nothing(lab: Lab) -> None:
    lab.to_production("one")
    before = lab.everything()

    assert lab(*promote("production")) == "promote: version 1 is already in production: nothing to do\n"
    assert lab(*promote("staging", "--version", "1")) == "promote: version 1 is already in staging: nothing to do\n"
    assert (
        lab("rollback", "--to", "1", "--reason", "x") == "rollback: version 1 is already in production: nothing to do\n"
    )
    assert lab.everything() == before


def test_after_a_rollback_any_former_version_can_be_put_back_by_name(lab: Lab) -> None:
    lab.to_production("one")
    assert "version 1 is the first in production" in lab("rollback", "--reason", "bad", code=1)
    lab.to_production("two")
    lab.to_production("three")

    seen = []
    for arguments in [(), ("--to", "3"), ("--to", "1"), ("--to", "3"), ("--to", "3")]:
        lab("rollback", "--reason", "bad", *arguments)
        seen.append(lab.aliases["production"])

    assert seen == [2, 3, 1, 3, 3]
    assert [move[:3] for move in lab.moves[-4:]] == [("rollback", "production", version) for version in (2, 3, 1, 3)]


def test_a_rollback_typed_again_changes_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.to_production("one")
    lab.to_production("two")
    lab.to_production("three")
    first = lab("rollback", "--reason", "bad")
    before = lab.everything()

    assert lab("rollback", "--reason", "bad").startswith(first.rstrip() + ": done before, at 20")
    assert lab.everything() == before
    for name in ("Ada", "Grace"):
        monkeypatch.setenv("GIT_COMMITTER_NAME", name)
        refused = lab("rollback", "--reason", "complaints", code=1)
        assert "error: version 2 is in production: it was put back in place of version 3 at 20" in refused
        assert (
            "by Ada <ada@example.com> (bad); to put yet another one there, say which: rollback --to NUMBER" in refused
        )
    assert lab.everything() == before
    lab.pass_checks()
    lab(*promote("production"))
    assert lab("rollback", "--reason", "bad") == first


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

    assert "has not passed the staging checks: rolled back from production: complaints" in lab(
        *promote("production", "--version", "HEAD"), code=1
    )
    lab.pass_checks()
    lab(*promote("production"))
    assert lab.aliases["production"] == 2


def test_history_answers_what_was_in_production_at_a_time(lab: Lab) -> None:
    assert "has moved yet" in lab("history")
    lab.to_production("one")
    between = json.loads(lab("history", "--json"))[-1]["when"]
    lab.to_production("two")

    (then,) = json.loads(lab("history", "--json", "--at", between))
    assert then["version"] == 1
    assert "promote  production  2        1 " in lab("history", "--at", "2999-01-01")
    assert "no version of" in lab("history", "--at", "2001-01-01")
    assert len(lab("history").splitlines()) == 7


USAGE_ERRORS = {
    ("promote", "--to", "staging", "--reason", " \t "): "error: --reason (of make: REASON): give a reason",
    ("promote", "--to", "staging", "--reason", "x" * 501): "error: --reason (of make: REASON): give a reason",
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
    ("rollback", "--reason", ""): "error: --reason (of make: REASON): give a reason",
    ("rollback", "--reason", "an \u202eevil reason"): "error: --reason (of make: REASON): give a reason",
    ("history", "--at", "yesterday"): "error: --at yesterday: not a date such as",
    ("history", "--at", ""): "error: --at : not a date such as",
    ("show", "9"): "error: MLflow has no version 9",
    ("show", "nowhere"): "error: version nowhere: git knows no such revision here",
}


def test_a_usage_error_is_one_line_and_changes_nothing(lab: Lab) -> None:
    lab.to_production("one")
    before = lab.everything()

    for arguments, message in USAGE_ERRORS.items():
        printed = lab(*arguments, code=2)
        assert message in printed.splitlines()[-1]
        assert "Traceback" not in printed

    assert lab.everything() == before
