"""Figures of a canary and of production, added up over servers."""

import random

import pytest

from lifecycle.serving.canary_stats import PROBABILITIES, Tally, score, score_edges


def tally(latencies: list[float], scores: list[float], version: int = 1) -> Tally:
    found = Tally(version)
    for number, (latency, value) in enumerate(zip(latencies, scores, strict=True)):
        found.add(latency, value, PROBABILITIES, f"id {number}")
    return found


def test_a_quantile_is_right_to_a_tenth() -> None:
    rng = random.Random(1)
    latencies = sorted(rng.lognormvariate(2, 1) for _ in range(2000))

    found = tally(latencies, [0.5] * 2000)

    for share in (0.5, 0.95, 0.99):
        assert found.quantile(share) == pytest.approx(latencies[int(share * 2000)], rel=0.11)


def test_what_two_servers_have_seen_is_what_one_would_have() -> None:
    one, other = tally([1, 20], [0.1, 0.9]), tally([300], [0.5])

    assert one + other == tally([1, 20, 300], [0.1, 0.9, 0.5])
    assert Tally(**(one + other).as_json()) == one + other


def test_one_customer_who_asks_a_hundred_times_is_one() -> None:
    found = Tally(1)
    for turn in range(100):
        found.add(1, 0.5, PROBABILITIES, f"id {turn % 3}")

    assert (found.rows, found.ids) == (100, 3)


def test_nothing_answered_is_no_latency() -> None:
    assert Tally(1).quantile(0.95) == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"prediction": 3.5}, 3.5),
        ({"label": "a", "probability": 0.2}, 0.2),
        ({"label": "a", "probabilities": {"a": 0.7, "b": 0.3}}, 0.7),
    ],
)
def test_answers_of_every_task_have_a_score(answer: dict, expected: float) -> None:
    assert score(answer) == expected


def test_bins_of_a_regression_hold_as_many_known_answers_each() -> None:
    edges = score_edges([{"prediction": float(value**3)} for value in range(1000)])

    found = Tally(1)
    for value in range(1000):
        found.add(1, value**3, edges, str(value))
    assert set(found.scores) == {20}
