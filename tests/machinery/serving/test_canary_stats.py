"""Statistics of a canary and of production, added up over servers."""

import random

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.serving.canary_stats import PROBABILITY_EDGES, ArmStats, score, score_edges


def arm(latencies: list[float], scores: list[float], first_id: int = 0) -> ArmStats:
    stats = ArmStats(1)
    for number, (latency, value) in enumerate(zip(latencies, scores, strict=True), first_id):
        stats.add(latency, value, PROBABILITY_EDGES, f"id {number}")
    return stats


def test_a_quantile_is_right_to_within_a_tenth() -> None:
    rng = random.Random(1)
    latencies = sorted(rng.lognormvariate(2, 1) for _ in range(2000))

    stats = arm(latencies, [0.5] * 2000)

    for share in (0.5, 0.95, 0.99):
        assert stats.latency_quantile(share) == pytest.approx(latencies[int(share * 2000)], rel=0.11)


def test_the_statistics_of_two_servers_add_up_to_those_of_one() -> None:
    total = arm([1, 20], [0.1, 0.9]) + arm([300], [0.5], first_id=2)

    assert total == arm([1, 20, 300], [0.1, 0.9, 0.5])


def test_errors_are_rows_that_failed() -> None:
    stats = arm([1, 20], [0.1, 0.9])
    stats.add_errors(3)

    assert (stats.rows, stats.errors, stats.ids.count()) == (5, 3, 2)


def test_an_id_that_both_servers_have_seen_counts_once() -> None:
    total = arm([1] * 300, [0.5] * 300) + arm([2] * 300, [0.5] * 300)

    assert (total.rows, total.ids.count()) == (600, 300)


def test_one_customer_with_a_hundred_requests_is_one_id() -> None:
    stats = ArmStats(1)
    for turn in range(100):
        stats.add(1, 0.5, PROBABILITY_EDGES, f"id {turn % 3}")

    assert (stats.rows, stats.ids.count()) == (100, 3)


def test_the_report_of_a_server_keeps_the_fields_that_others_read() -> None:
    stats = arm([1, 20], [0.1, 0.9])
    stats.add_errors(1)

    content = stats.as_json()

    assert content.keys() == {"version", "rows", "ids", "errors", "latencies", "scores", "id_hashes"}
    assert (content["version"], content["rows"], content["ids"], content["errors"]) == (1, 3, 2, 1)
    assert ArmStats.from_json(content) == stats


@pytest.mark.parametrize("change", [{"id_hashes": None}, {"id_hashes": "AAAA"}, {"errors": ...}, {"id_hashes": ...}])
def test_the_report_of_a_server_with_other_code_is_refused(change: dict) -> None:
    content = {name: value for name, value in (arm([1], [0.1]).as_json() | change).items() if value is not ...}

    with pytest.raises(ConfigError, match="restart all servers with the same version of this code"):
        ArmStats.from_json(content)


def test_without_answers_the_latency_is_zero() -> None:
    assert ArmStats(1).latency_quantile(0.95) == 0


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

    stats = ArmStats(1)
    for value in range(1000):
        stats.add(1, value**3, edges, str(value))
    assert set(stats.scores) == {20}
