"""The verdict on a canary, from what it and production have answered side by side: promote it, abort it, or wait."""

import math
from dataclasses import dataclass
from itertools import accumulate

from lifecycle.serving.canary_stats import ArmStats
from lifecycle.serving.settings import Canary

PROMOTE, ABORT, WAIT = "promote", "abort", "wait"
LATENCY_SLACK = 5.0  # milliseconds by which a canary may always be slower: a ratio of short times says nothing
TAIL = 0.95  # of the rows: the quantile of latencies that is compared
ALPHA = 0.001  # how often the test may reject a canary whose scores come from the same distribution
WEAK_EVIDENCE = 0.5
"""A score distance that chance explains, above which the comparison finds nothing but a broken model."""


@dataclass(frozen=True)
class Verdict:
    """What to do, and the reasons, a sentence each."""

    decision: str
    reasons: list[str]


def judge(production: ArmStats, canary: ArmStats, policy: Canary) -> Verdict:
    """Return the verdict.

    A canary aborts as soon as it has more errors than min_rows rows may have; all else is judged once both sides have min_rows.
    Error rates are compared with production's own. The distributions of scores differ if their largest distance exceeds both the
    policy's limit and what chance explains (two-sample Kolmogorov-Smirnov test, Smirnov 1948, in which rows of one id count once
    because their scores are alike).
    """
    allowed = policy.max_error_rate + _error_rate(production)
    if canary.errors > allowed * max(canary.rows, policy.min_rows):
        return Verdict(
            ABORT, [f"it failed on {canary.errors:,} of {canary.rows:,} rows; at most {allowed:.2%} may fail"]
        )
    for name, arm in (("the canary", canary), ("production", production)):
        if arm.rows < policy.min_rows:
            answered = f"{name} has answered {arm.rows:,} of {policy.min_rows:,} rows"
            return Verdict(WAIT, [answered, _still_to_come(production, canary, arm, policy.min_rows)])
    latency, production_latency = canary.latency_quantile(TAIL), production.latency_quantile(TAIL)
    slowest_allowed = max(policy.max_latency_ratio * production_latency, production_latency + LATENCY_SLACK)
    unsure = _unsure_of_latency(canary, slowest_allowed)
    distance = ks_distance(production.scores, canary.scores)
    chance = ks_bound(production.ids.count(), canary.ids.count())
    reasons = []
    if latency > slowest_allowed:
        reasons.append(
            f"it is too slow: 95% of rows within {latency:.1f} ms, in production {production_latency:.1f} ms{unsure}"
        )
    if distance > max(policy.max_score_distance, chance):
        reasons.append(
            f"its scores are distributed differently: distance {distance:.3f}, where {policy.max_score_distance:g} is "
            f"allowed and chance explains up to {chance:.3f}"
        )
    if reasons:
        return Verdict(ABORT, reasons)
    too_few = ": too few ids to compare scores" if chance > WEAK_EVIDENCE else ""
    figures = [
        f"{canary.rows:,} rows of {canary.ids.count():,} ids",
        f"errors {_error_rate(canary):.2%} (production {_error_rate(production):.2%})",
        f"95% of rows within {latency:.1f} ms (production {production_latency:.1f} ms{unsure})",
        f"score distance {distance:.3f} ({policy.max_score_distance:g} allowed, {chance:.3f} by chance{too_few})",
    ]
    return Verdict(PROMOTE, figures)


def _still_to_come(production: ArmStats, canary: ArmStats, short: ArmStats, min_rows: int) -> str:
    """How many rows have to come in until one of the two has enough: with few ids, its share of them is what chance gives it."""
    rows, ids = production.rows + canary.rows, (production.ids | canary.ids).count()
    if not rows:
        return "no row has come in since the canary began"
    if not short.rows:
        return f"it gets none of the {ids:,} different ids so far: rows of more ids, or a larger share (--canary), are needed"
    more = math.ceil((min_rows - short.rows) * rows / short.rows)
    return (
        f"it gets {short.ids.count():,} of the {ids:,} different ids so far, and {short.rows / rows:.1%} of the rows: "
        f"about {more:,} more rows are needed"
    )


def ks_distance(counts: list[int], other_counts: list[int]) -> float:
    """Return the Kolmogorov-Smirnov distance of two distributions, given as counts in the same bins."""
    total, other_total = sum(counts) or 1, sum(other_counts) or 1
    pairs = zip(accumulate(counts), accumulate(other_counts), strict=True)
    return max(abs(a / total - b / other_total) for a, b in pairs)


def ks_bound(size: int, other_size: int) -> float:
    """Return the distance that samples of these sizes from one distribution exceed with probability ALPHA; 1 if one is empty."""
    if not size or not other_size:
        return 1.0
    return math.sqrt(-math.log(ALPHA / 2) / 2 * (size + other_size) / (size * other_size))


def _unsure_of_latency(canary: ArmStats, slowest_allowed: float) -> str:
    """What to say if so few rows could have decided otherwise: the limit lies in the interval of the quantile.

    The interval is that of order statistics, at 95%: the number of rows below a quantile is binomial.
    """
    spread = 1.96 * math.sqrt(TAIL * (1 - TAIL) / canary.rows)
    low = canary.latency_quantile(TAIL - spread)
    high = canary.latency_quantile(TAIL + spread) if TAIL + spread < 1 else math.inf
    if not low <= slowest_allowed < high:
        return ""
    bounds = f"at least {low:.1f} ms" if math.isinf(high) else f"{low:.1f} to {high:.1f} ms"
    return f": {canary.rows:,} rows are too few to be sure, it may be {bounds}"


def _error_rate(arm: ArmStats) -> float:
    return arm.errors / arm.rows if arm.rows else 0.0
