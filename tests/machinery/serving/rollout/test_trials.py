"""Canary and shadow: who may be tried beside production, and what ends it."""

import json
from collections.abc import Callable

import pytest

from lifecycle.core.errors import RefusedError
from lifecycle.registry import ledger, moves
from lifecycle.registry.aliases import CANARY, PERCENT, SHADOW, held, state
from lifecycle.serving.rollout import trials
from machinery.registry.lab import Lab


@pytest.fixture
def two(lab: Lab) -> Lab:
    """Version 1 in production, version 2 checked in staging."""
    lab.to_production("one")
    lab.train("two")
    lab("register")
    lab("promote", "--to", "staging", "--reason", "two")
    lab.pass_checks()
    return lab


def percent(lab: Lab) -> int:
    current = held(lab.client, lab.model)
    assert current
    return current.percent


def test_a_canary_is_an_alias_with_a_share_and_every_change_of_it_is_on_record(two: Lab) -> None:
    for share in (10, 50):
        trials.begin(two.client, two.model, CANARY, "try it", share)
        assert (two.aliases[CANARY], two.aliases["production"], percent(two)) == (2, 1, share)
    assert trials.begin(two.client, two.model, CANARY, "again", 50) is None

    trials.stop(two.client, two.model, CANARY, 2, "enough")

    assert (two.aliases[CANARY], percent(two)) == (None, 0)
    assert [move[:3] for move in two.moves[-3:]] == [("try", CANARY, 2), ("try", CANARY, 2), ("stop", CANARY, 2)]
    assert "canary 50%" in two("history")
    assert trials.stop(two.client, two.model, CANARY, None, "again") is None


@pytest.mark.parametrize(("version", "percent"), [(2, 50), (3, 10), (3, 100)])
def test_somebody_elses_canary_is_not_replaced_unasked(
    two: Lab, monkeypatch: pytest.MonkeyPatch, version: int, percent: int
) -> None:
    trials.begin(two.client, two.model, CANARY, "try it", 10)
    trials.require_own(two.client, two.model, CANARY, version, percent)
    monkeypatch.setenv("GITHUB_ACTOR", "grace")

    with pytest.raises(
        RefusedError, match=r"version 2 is the canary, since 20.* by Ada <ada@example.com> \(try it\): --replace"
    ):
        trials.require_own(two.client, two.model, CANARY, version, percent)
    trials.require_own(two.client, two.model, CANARY, 2, 10)  # to go on watching it
    trials.require_own(two.client, two.model, SHADOW, version)


@pytest.mark.parametrize("move", ["promote", "rollback"])
def test_another_version_in_production_ends_what_is_tried_beside_it(two: Lab, move: str) -> None:
    two("promote", "--to", "production", "--reason", "so that there is one to go back to")
    two.train("three")
    two("register")
    two("promote", "--to", "staging", "--reason", "three")
    two.pass_checks()
    trials.begin(two.client, two.model, CANARY, "try it", 10)
    trials.begin(two.client, two.model, SHADOW, "watch it")

    two(*([move, "--reason", "why"] + (["--to", "production"] if move == "promote" else [])))

    assert (two.aliases[CANARY], two.aliases[SHADOW], percent(two)) == (None, None, 0)


def test_a_shadow_leaves_the_canary_its_share(two: Lab) -> None:
    trials.begin(two.client, two.model, CANARY, "try it", 10)
    trials.begin(two.client, two.model, SHADOW, "watch it")
    trials.stop(two.client, two.model, SHADOW, None, "seen")

    assert (two.aliases[CANARY], percent(two)) == (2, 10)


def test_a_share_that_was_changed_by_hand_or_cut_off_is_put_right_by_the_next_command(two: Lab) -> None:
    trials.begin(two.client, two.model, CANARY, "try it", 10)
    two.client.set_registered_model_tag(two.model, PERCENT, "90")
    two.client.delete_registered_model_alias(two.model, CANARY)

    assert "note: canary was no version in MLflow and is now version 2" in two("history")

    assert (two.aliases[CANARY], percent(two)) == (2, 10)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda lab: lab.client.set_model_version_tag(lab.model, "2", moves.STAGING_CHECKS, "failed: x"), "has not passed the staging checks: failed: x"),
        (lambda lab: lab("promote", "--to", "production", "--reason", "x"), "version 2, in staging, is not newer than version 2, in production"),
    ],
)  # fmt: skip
def test_only_what_is_newer_and_checked_is_tried(two: Lab, spoil: Callable[[Lab], object], complaint: str) -> None:
    spoil(two)
    before = two.everything()

    with pytest.raises(RefusedError, match=complaint):
        trials.begin(two.client, two.model, CANARY, "try it", 10)

    assert two.everything() == before


def test_nothing_is_tried_beside_nothing(lab: Lab) -> None:
    lab.train("one")
    lab("register")
    with pytest.raises(RefusedError, match="no version is in staging"):
        trials.begin(lab.client, lab.model, CANARY, "try it", 10)
    lab("promote", "--to", "staging", "--reason", "one")

    with pytest.raises(RefusedError, match="no version is in production"):
        trials.begin(lab.client, lab.model, CANARY, "try it", 10)


def test_another_version_than_ones_own_is_not_stopped(two: Lab) -> None:
    trials.begin(two.client, two.model, CANARY, "somebody else's", 10)

    assert trials.stop(two.client, two.model, CANARY, 1, "mine") is None
    assert two.aliases[CANARY] == 2


def test_a_canary_that_has_passed_is_promoted_though_staging_has_moved_on(two: Lab) -> None:
    trials.begin(two.client, two.model, CANARY, "try it", 10)
    two.train("three")
    two("register")
    two("promote", "--to", "staging", "--reason", "three")

    two("promote", "--to", "production", "--version", "2", "--reason", "it has passed")

    assert (two.aliases["production"], two.aliases["staging"], two.aliases[CANARY]) == (2, 3, None)


def now(lab: Lab) -> ledger.State:
    return state(lab.client, lab.model, ledger.head(lab.client, lab.model))


def test_what_a_failed_deployment_moved_is_put_back_and_rollback_does_not_bring_it(two: Lab) -> None:
    before = now(two)
    production = moves.promote(two.client, two.model, "production", None, "new")
    assert production

    trials.put_back(two.client, two.model, production, before, "it does not answer")

    assert two.aliases["production"] == 1
    assert now(two)["before"] == before["before"]
    refused = two("rollback", "--reason", "x", code=1)
    assert "version 1 is in production: it was put back in place of version 2 at 20" in refused
    (last,) = json.loads(two("history", "--at", "2999-01-01", "--json"))
    assert (last["action"], last["version"]) == ("withdraw", 1)


def test_staging_is_put_back(two: Lab) -> None:
    two.train("three")
    two("register")
    before = now(two)
    staging = moves.promote(two.client, two.model, "staging", None, "three")
    assert staging

    trials.put_back(two.client, two.model, staging, before, "it does not answer")

    assert two.aliases["staging"] == 2
    assert two.moves[-1] == ("withdraw", "staging", 2, 3)


def test_the_first_version_that_fails_in_production_leaves_none_there(lab: Lab) -> None:
    lab.to_production("one")
    first = ledger.head(lab.client, lab.model)
    assert first

    trials.put_back(lab.client, lab.model, first, {}, "it does not answer")

    assert lab.aliases["production"] is None
    assert "no version" in lab("history", "--at", "2999-01-01")
    assert "nothing to roll back" in lab("rollback", "--reason", "x", code=1)


def test_what_others_have_moved_since_stays(two: Lab) -> None:
    before = now(two)
    moved = moves.promote(two.client, two.model, "production", None, "new")
    assert moved
    two("rollback", "--reason", "somebody else")

    assert trials.put_back(two.client, two.model, moved, before, "it does not answer") is None
