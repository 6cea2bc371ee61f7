"""What a canary and production have answered since the canary began: counts and histograms that add up over servers."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lifecycle.core.errors import ConfigError
from lifecycle.serving.distinct_ids import DistinctIds

LATENCY_BOUNDS = [1.1**step for step in range(150)]  # milliseconds, up to 26 minutes: a quantile is right to within 10%
PROBABILITY_EDGES = [step / 50 for step in range(1, 50)]
SCORE_BINS = 50


@dataclass
class ArmStats:
    """Rows that one version has answered or failed on, their different ids, and histograms of latencies and scores."""

    version: int
    rows: int = 0
    errors: int = 0
    ids: DistinctIds = field(default_factory=DistinctIds)
    """A hundred requests of one id count once: the scores of these rows are alike."""
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    scores: list[int] = field(default_factory=lambda: [0] * SCORE_BINS)

    def add(self, milliseconds: float, score: float, edges: Sequence[float], row_id: str) -> None:
        """Count one answered row.

        Args:
            milliseconds: its latency.
            score: see `score`.
            edges: the inner edges of the score bins.
            row_id: its id in the data, or that of its content.
        """
        self.rows += 1
        self.ids.add(row_id)
        self.latencies[bisect_right(LATENCY_BOUNDS, milliseconds)] += 1
        self.scores[bisect_right(edges, score)] += 1

    def add_errors(self, rows: int) -> None:
        """Count rows on which the version failed."""
        self.rows += rows
        self.errors += rows

    def __add__(self, other: "ArmStats") -> "ArmStats":
        """Return the statistics of one server that did what two have done. The version is this one's."""
        return ArmStats(
            self.version,
            self.rows + other.rows,
            self.errors + other.errors,
            self.ids | other.ids,
            [a + b for a, b in zip(self.latencies, other.latencies, strict=True)],
            [a + b for a, b in zip(self.scores, other.scores, strict=True)],
        )

    def latency_quantile(self, share: float) -> float:
        """Return the latency in milliseconds below which a share of the rows lies; 0 if there are none."""
        cumulative = 0
        for count, bound in zip(self.latencies, [*LATENCY_BOUNDS, float("inf")], strict=True):
            cumulative += count
            if cumulative and cumulative >= share * self.rows:
                return bound
        return 0.0

    def as_json(self) -> dict[str, Any]:
        """Return what `/model` reports: at most 12 kB."""
        return {
            "version": self.version,
            "rows": self.rows,
            "ids": self.ids.count(),
            "errors": self.errors,
            "latencies": self.latencies,
            "scores": self.scores,
            "id_hashes": self.ids.encode(),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "ArmStats":
        """Return what a server has reported. Raises ConfigError if it reports something else, as one with older code does."""
        try:
            ids = DistinctIds.decode(content["id_hashes"])
            return cls(
                content["version"], content["rows"], content["errors"], ids, content["latencies"], content["scores"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"a server reports canary statistics that cannot be read ({type(error).__name__}: {error}): "
                "restart all servers with the same version of this code"
            ) from None


def score(answer: dict[str, Any]) -> float:
    """Return the one number that answers are compared by: the prediction, the probability, or the largest of several."""
    if "prediction" in answer:
        return float(answer["prediction"])
    return float(answer["probability"] if "probability" in answer else max(answer["probabilities"].values()))


def score_edges(known_answers: list[dict[str, Any]]) -> list[float]:
    """Return the inner edges of the score bins: of equal width for probabilities, else quantiles of the known answers."""
    if not known_answers or "prediction" not in known_answers[0]:
        return PROBABILITY_EDGES
    values = sorted(score(answer) for answer in known_answers)
    return [values[len(values) * step // SCORE_BINS] for step in range(1, SCORE_BINS)]
