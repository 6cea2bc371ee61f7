"""What `/metrics` shows to Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from lifecycle.serving.batcher import Answer, Asked
from lifecycle.serving.canary_stats import score

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Counters:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        arm = ["role", "version"]
        self.requests = Counter("requests", "HTTP requests", ["path", "status"], registry=self.registry)
        self.rows = Counter("predictions", "Rows answered", arm, registry=self.registry)
        self.errors = Counter("prediction_errors", "Rows a model failed to answer", arm, registry=self.registry)
        self.seconds = Histogram(
            "prediction_seconds", "From a row's arrival to its answer", arm, buckets=SECONDS, registry=self.registry
        )
        self.scores = Histogram(
            "prediction_score",
            "Probability, or prediction of a regression",
            arm,
            buckets=[step / 10 for step in range(1, 10)],
            registry=self.registry,
        )
        self.lost = Counter(
            "model_processes_lost",
            "Processes of a version that crashed, or hung and were stopped",
            ["version"],
            registry=self.registry,
        )
        self.dropped = Counter(
            "shadow_dropped", "Rows the shadow was not asked, because it was behind", registry=self.registry
        )
        self.disagreements = Counter(
            "shadow_disagreements", "Rows to which the shadow gives another label", registry=self.registry
        )
        self.differences = Histogram(
            "shadow_score_difference",
            "Between the scores of shadow and production",
            buckets=(0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
            registry=self.registry,
        )
        self.versions = Gauge("model_version", "Version that has a role; 0 for none", ["role"], registry=self.registry)
        self.percent = Gauge("canary_percent", "Share of rows that the canary answers", registry=self.registry)
        self.reachable = Gauge("registry_reachable", "Whether MLflow answered the last time", registry=self.registry)

    def answered(self, role: str, version: int, rows: int) -> tuple[Histogram, Histogram]:
        """Count rows; return where to put the seconds and the score of each."""
        labels = role, str(version)
        self.rows.labels(*labels).inc(rows)
        return self.seconds.labels(*labels), self.scores.labels(*labels)

    def disagreed(self, asked: Asked, answers: list[Answer]) -> None:
        """Compare what a shadow answers with what production did."""
        for mine, theirs in zip(answers, asked.beside, strict=True):
            self.disagreements.inc(mine.get("label") != theirs.get("label"))
            self.differences.observe(abs(score(mine) - score(theirs)))
