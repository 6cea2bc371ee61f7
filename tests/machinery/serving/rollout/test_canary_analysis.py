"""When a canary is promoted, aborted, or watched on."""

import random
from collections.abc import Callable

import pytest

from lifecycle.serving import settings
from lifecycle.serving.canary_stats import PROBABILITIES, Tally
from lifecycle.serving.rollout.canary_analysis import ABORT, PROMOTE, WAIT, judge
from lifecycle.serving.settings import Canary

POLICY = Canary(
    percent=10, min_rows=500, max_error_rate=0.01, max_latency_ratio=1.5, max_score_distance=0.15, wait_minutes=1
)


def tally(rows: int, seed: int, errors: int = 0, slower: float = 1.0, shift: float = 0.0, ids: int = 10**6) -> Tally:
    rng = random.Random(seed)
    found = Tally(seed)
    scores = [min(1.0, rng.betavariate(1, 3) + shift) for _ in range(min(ids, rows))]
    for turn in range(rows - errors):
        found.add(slower * rng.uniform(10, 20), scores[turn % len(scores)], PROBABILITIES, f"id {turn % ids}")
    found.rows, found.errors = found.rows + errors, errors
    return found


PRODUCTION = tally(5000, 1)


def test_a_canary_like_production_is_promoted_with_its_figures() -> None:
    verdict = judge(PRODUCTION, tally(500, 2), POLICY)

    assert verdict.decision == PROMOTE
    assert verdict.reasons[:2] == ["500 rows", "errors 0.00% (production 0.00%)"]


@pytest.mark.parametrize(
    ("canary", "decision", "reason"),
    [
        (lambda: tally(499, 2), WAIT, "the canary has answered 499 of 500 rows"),
        (lambda: tally(0, 2), WAIT, "the canary has answered 0 of 500 rows"),
        (lambda: tally(10, 2, errors=6), ABORT, "it failed in 6 of 10 rows; 1.00% may fail"),
        (lambda: tally(10, 2, errors=5), WAIT, "the canary has answered 10 of 500 rows"),
        (lambda: tally(1000, 2, errors=11), ABORT, "it failed in 11 of 1,000 rows; 1.00% may fail"),
        (lambda: tally(1000, 2, errors=10), PROMOTE, "1,000 rows"),
        (lambda: tally(1000, 2, slower=2), ABORT, "it is too slow: 95% answered within"),
        (lambda: tally(1000, 2, slower=1.2), PROMOTE, "1,000 rows"),
        (lambda: tally(1000, 2, shift=0.2), ABORT, "its scores are distributed otherwise: distance 0."),
    ],
)  # fmt: skip
def test_each_rule_decides(canary: Callable[[], Tally], decision: str, reason: str) -> None:
    verdict = judge(PRODUCTION, canary(), POLICY)

    assert (verdict.decision, verdict.reasons[0][: len(reason)]) == (decision, reason)


def test_production_has_to_have_answered_enough_to_be_compared_with() -> None:
    verdict = judge(tally(100, 1), tally(1000, 2), POLICY)

    assert verdict.reasons == ["production has answered 100 of 500 rows"]


def test_errors_that_production_makes_too_are_not_the_canarys() -> None:
    assert judge(tally(5000, 1, errors=500), tally(1000, 2, errors=100), POLICY).decision == PROMOTE


def test_a_few_milliseconds_are_never_too_slow() -> None:
    assert judge(tally(5000, 1, slower=0.1), tally(1000, 2, slower=0.3), POLICY).decision == PROMOTE


def test_distributions_that_only_chance_sets_apart_are_not() -> None:
    strict = POLICY.model_copy(update={"max_score_distance": 0.001, "min_rows": 200})

    decisions = [judge(tally(500, seed), tally(200, seed + 1000), strict).decision for seed in range(1, 200)]

    assert decisions.count(ABORT) <= 2  # one in a thousand, by the test's own level


def test_a_few_customers_who_ask_often_say_little() -> None:
    decisions = [
        judge(tally(5000, seed, ids=40), tally(1000, seed + 500, ids=40), POLICY).decision for seed in range(100)
    ]

    assert decisions.count(ABORT) <= 1


def test_the_policy_of_serving_yaml_is_one() -> None:
    assert settings.load().canary.percent <= 100
