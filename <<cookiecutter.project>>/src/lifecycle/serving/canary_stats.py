"""What a canary and production have answered since the canary began, side by side, in numbers that servers can add up."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

LATENCIES = [1.1**step for step in range(150)]  # milliseconds, up to 26 minutes; a quantile is right to a tenth
PROBABILITIES = [step / 50 for step in range(1, 50)]
BINS = 50
MOST_IDS = 100_000  # beyond that, chance sets no distributions apart


@dataclass
class Tally:
    """Rows that one version has answered, those in which it failed, and histograms of its latency and scores."""

    version: int
    rows: int = 0
    ids: int = 0
    """Of the rows, how many different ones, up to MOST_IDS: one customer who asks a hundred times is one."""
    errors: int = 0
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCIES) + 1))
    scores: list[int] = field(default_factory=lambda: [0] * BINS)

    def __post_init__(self) -> None:
        self._seen: set[int] = set()

    def add(self, milliseconds: float, score: float, edges: Sequence[float], key: str) -> None:
        self.rows += 1
        if self.ids < MOST_IDS:
            self._seen.add(hash(key))
            self.ids = len(self._seen)
        self.latencies[bisect_right(LATENCIES, milliseconds)] += 1
        self.scores[bisect_right(edges, score)] += 1

    def __add__(self, other: "Tally") -> "Tally":
        def sums(one: list[int], two: list[int]) -> list[int]:
            return [a + b for a, b in zip(one, two, strict=True)]

        return Tally(
            self.version,
            self.rows + other.rows,
            self.ids + other.ids,
            self.errors + other.errors,
            sums(self.latencies, other.latencies),
            sums(self.scores, other.scores),
        )

    def quantile(self, share: float) -> float:
        """Return the latency in milliseconds below which a share of the rows lies; 0 if there are none."""
        seen, wanted = 0, share * self.rows
        for count, bound in zip(self.latencies, [*LATENCIES, float("inf")], strict=True):
            seen += count
            if seen and seen >= wanted:
                return bound
        return 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def score(answer: dict[str, Any]) -> float:
    """Return the one number by which answers are compared: the prediction, or the probability, of several the largest."""
    if "prediction" in answer:
        return answer["prediction"]
    return answer["probability"] if "probability" in answer else max(answer["probabilities"].values())


def score_edges(known: list[dict[str, Any]]) -> list[float]:
    """Return the inner edges of the bins of scores: of a probability equal ones, else such that each has as many known answers."""
    if not known or "prediction" not in known[0]:
        return PROBABILITIES
    values = sorted(score(answer) for answer in known)
    return [values[len(values) * step // BINS] for step in range(1, BINS)]
