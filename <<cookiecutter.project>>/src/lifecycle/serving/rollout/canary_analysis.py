"""The verdict on a canary: by what it and production have answered side by side, is it to be promoted, aborted, or watched on?"""

import math
from dataclasses import dataclass
from itertools import accumulate

from lifecycle.serving.canary_stats import Tally
from lifecycle.serving.settings import Canary

PROMOTE, ABORT, WAIT = "promote", "abort", "wait"
SLACK = 5.0  # milliseconds by which a canary may always be slower: below that a ratio says nothing
ALPHA = 0.001  # how often a canary that answers alike may be taken for one that does not


@dataclass(frozen=True)
class Verdict:
    """What is to be done, and the figures it rests on, a sentence each."""

    decision: str
    reasons: list[str]


def judge(production: Tally, canary: Tally, policy: Canary) -> Verdict:
    """Return the verdict.

    Too many errors abort as soon as min_rows could not be reached with fewer; all else is judged once both sides have
    min_rows. The distributions of scores are apart if their largest distance is beyond the policy's and beyond what chance
    explains (two-sample Kolmogorov-Smirnov test, Smirnov 1948; rows of one id count once, for they are alike). Error rates are held against production's own.
    """
    allowed = policy.max_error_rate + _rate(production)
    if canary.errors > allowed * max(canary.rows, policy.min_rows):
        return Verdict(ABORT, [f"it failed in {canary.errors:,} of {canary.rows:,} rows; {allowed:.2%} may fail"])
    for name, side in (("the canary", canary), ("production", production)):
        if side.rows < policy.min_rows:
            return Verdict(WAIT, [f"{name} has answered {side.rows:,} of {policy.min_rows:,} rows"])
    slow, usual = canary.quantile(0.95), production.quantile(0.95)
    apart, chance = distance(production.scores, canary.scores), _chance(production.ids, canary.ids)
    figures = [
        f"{canary.rows:,} rows",
        f"errors {_rate(canary):.2%} (production {_rate(production):.2%})",
        f"95% answered within {slow:.1f} ms (production {usual:.1f} ms)",
        f"distance of the scores {apart:.3f} ({policy.max_score_distance:g} allowed, {chance:.3f} is chance)",
    ]
    wrong = []
    if slow > max(policy.max_latency_ratio * usual, usual + SLACK):
        wrong.append(f"it is too slow: 95% answered within {slow:.1f} ms, by production within {usual:.1f} ms")
    if apart > max(policy.max_score_distance, chance):
        wrong.append(
            f"its scores are distributed otherwise: distance {apart:.3f}, where {policy.max_score_distance:g} is allowed "
            f"and {chance:.3f} is chance"
        )
    return Verdict(ABORT, wrong) if wrong else Verdict(PROMOTE, figures)


def distance(one: list[int], other: list[int]) -> float:
    """Return the largest distance of two distributions, given as counts in the same bins (Kolmogorov-Smirnov)."""
    pairs = zip(accumulate(one), accumulate(other), strict=True)
    ones, others = sum(one) or 1, sum(other) or 1
    return max(abs(a / ones - b / others) for a, b in pairs)


def _chance(ids: int, others: int) -> float:
    return math.sqrt(-math.log(ALPHA / 2) / 2 * (ids + others) / (ids * others)) if ids and others else 1.0


def _rate(tally: Tally) -> float:
    return tally.errors / tally.rows if tally.rows else 0.0
