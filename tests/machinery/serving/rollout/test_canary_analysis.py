"""When a canary is promoted, aborted, or watched on."""

import random
from collections.abc import Callable

import pytest

from lifecycle.serving import settings
from lifecycle.serving.canary_stats import PROBABILITY_EDGES, ArmStats
from lifecycle.serving.rollout.canary_analysis import ABORT, PROMOTE, WAIT, judge, ks_bound
from lifecycle.serving.settings import Canary

POLICY = Canary(
    percent=10, min_rows=500, max_error_rate=0.01, max_latency_ratio=1.5, max_score_distance=0.15, wait_minutes=1
)


def arm(rows: int, seed: int, errors: int = 0, slower: float = 1.0, shift: float = 0.0, ids: int = 10**6) -> ArmStats:
    rng = random.Random(seed)
    stats = ArmStats(seed)
    scores = [min(1.0, rng.betavariate(1, 3) + shift) for _ in range(min(ids, rows))]
    for turn in range(rows - errors):
        stats.add(slower * rng.uniform(10, 20), scores[turn % len(scores)], PROBABILITY_EDGES, f"id {turn % ids}")
    stats.add_errors(errors)
    return stats


PRODUCTION = arm(5000, 1)


def test_a_canary_like_production_is_promoted_with_its_figures() -> None:
    verdict = judge(PRODUCTION, arm(500, 2), POLICY)

    assert verdict.decision == PROMOTE
    assert verdict.reasons[:2] == ["500 rows of 500 ids", "errors 0.00% (production 0.00%)"]


@pytest.mark.parametrize(
    ("canary", "decision", "reason"),
    [
        (lambda: arm(499, 2), WAIT, "the canary has answered 499 of 500 rows"),
        (lambda: arm(0, 2), WAIT, "the canary has answered 0 of 500 rows"),
        (lambda: arm(10, 2, errors=6), ABORT, "it failed on 6 of 10 rows; at most 1.00% may fail"),
        (lambda: arm(10, 2, errors=5), WAIT, "the canary has answered 10 of 500 rows"),
        (lambda: arm(1000, 2, errors=11), ABORT, "it failed on 11 of 1,000 rows; at most 1.00% may fail"),
        (lambda: arm(1000, 2, errors=10), PROMOTE, "1,000 rows"),
        (lambda: arm(1000, 2, slower=2), ABORT, "it is too slow: 95% of rows within"),
        (lambda: arm(1000, 2, slower=1.2), PROMOTE, "1,000 rows"),
        (lambda: arm(1000, 2, shift=0.2), ABORT, "its scores are distributed differently: distance 0."),
    ],
)  # fmt: skip
def test_each_rule_decides(canary: Callable[[], ArmStats], decision: str, reason: str) -> None:
    verdict = judge(PRODUCTION, canary(), POLICY)

    assert (verdict.decision, verdict.reasons[0][: len(reason)]) == (decision, reason)


def test_production_has_to_have_answered_enough_to_be_compared_with() -> None:
    verdict = judge(arm(100, 1), arm(1000, 2), POLICY)

    assert verdict.reasons[0] == "production has answered 100 of 500 rows"


def test_a_canary_that_few_ids_hold_up_says_how_many_it_sees_and_how_many_rows_are_still_to_come() -> None:
    verdict = judge(arm(570, 1, ids=60), arm(30, 2, ids=3), POLICY)

    assert verdict.reasons == [
        "the canary has answered 30 of 500 rows",
        "it gets 3 of the 60 different ids so far, and 5.0% of the rows: about 9,400 more rows are needed",
    ]


def test_a_canary_that_no_id_falls_to_says_so() -> None:
    assert judge(arm(5000, 1, ids=12), arm(0, 2), POLICY).reasons[1] == (
        "it gets none of the 12 different ids so far: rows of more ids, or a larger share (--canary), are needed"
    )


def test_a_verdict_on_few_ids_says_that_their_scores_tell_little() -> None:
    few, many = (judge(arm(5000, 1), arm(500, 2, ids=ids), POLICY).reasons[-1] for ids in (5, 500))

    assert few.endswith("by chance: too few ids to compare scores)")
    assert many.endswith(" by chance)")


@pytest.mark.parametrize(
    ("rows", "slower", "decision", "text"),
    [
        (500, 1.0, PROMOTE, "ms)"),
        (500, 3.0, ABORT, "ms"),
        (500, 1.58, PROMOTE, ": 500 rows are too few to be sure, it may be 30.9 to 34.0 ms"),
        (20, 1.0, PROMOTE, ": 20 rows are too few to be sure, it may be at least 1"),
        (20, 3.0, ABORT, "ms"),
    ],
)
def test_a_verdict_on_latency_that_more_rows_may_change_says_so(
    rows: int, slower: float, decision: str, text: str
) -> None:
    policy = POLICY.model_copy(update={"min_rows": rows, "max_score_distance": 1.0})

    verdict = judge(PRODUCTION, arm(rows, 2, slower=slower), policy)

    assert verdict.decision == decision
    (latency,) = [reason for reason in verdict.reasons if "95% of rows" in reason]
    assert text in latency if "few" in text else "too few" not in latency


def test_without_traffic_it_says_that_none_has_come_in() -> None:
    assert judge(arm(0, 1), arm(0, 2), POLICY).reasons[1] == "no row has come in since the canary began"


def test_errors_that_production_makes_too_are_not_the_canarys() -> None:
    assert judge(arm(5000, 1, errors=500), arm(1000, 2, errors=100), POLICY).decision == PROMOTE


def test_a_few_milliseconds_are_never_too_slow() -> None:
    assert judge(arm(5000, 1, slower=0.1), arm(1000, 2, slower=0.3), POLICY).decision == PROMOTE


def test_a_distance_that_chance_explains_does_not_abort() -> None:
    strict = POLICY.model_copy(update={"max_score_distance": 0.001, "min_rows": 200})

    decisions = [judge(arm(500, seed), arm(200, seed + 1000), strict).decision for seed in range(1, 200)]

    assert decisions.count(ABORT) <= 2  # one in a thousand, by the test's own level


def test_many_requests_of_a_few_customers_are_weak_evidence() -> None:
    decisions = [judge(arm(5000, seed, ids=40), arm(1000, seed + 500, ids=40), POLICY).decision for seed in range(100)]

    assert decisions.count(ABORT) <= 1


def test_the_policy_of_serving_yaml_is_one() -> None:
    assert settings.load().canary.percent <= 100


def test_the_same_ids_on_two_servers_are_judged_as_on_one() -> None:
    """A distance of 0.13 is chance for 300 ids on each side, and would not be for 600."""
    strict = POLICY.model_copy(update={"max_score_distance": 0.05})

    def servers(seed: int, split: bool) -> ArmStats:
        rng = random.Random(seed)
        answered = [(f"id {number}", rng.betavariate(1, 3)) for number in range(300)]
        halves = [ArmStats(seed), ArmStats(seed)]
        for turn in range(2):
            for row_id, value in answered:
                halves[turn if split else 0].add(10, value, PROBABILITY_EDGES, row_id)
        return halves[0] + halves[1]

    decisions = []
    for seed in range(1, 100):
        apart = judge(servers(seed, True), servers(seed + 1000, True), strict)
        assert apart == judge(servers(seed, False), servers(seed + 1000, False), strict)
        decisions.append(apart.decision)

    assert decisions.count(ABORT) <= 1


def test_ids_of_two_servers_that_differ_make_the_bound_tighter() -> None:
    assert ks_bound(600, 600) < ks_bound(300, 300)
    assert ks_bound(300, 0) == 1
