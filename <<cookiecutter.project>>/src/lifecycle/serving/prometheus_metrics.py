"""The metrics that `/metrics` exposes to Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from lifecycle.serving.canary_stats import score
from lifecycle.serving.pending_request import Answer, PendingRequest

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class ServerMetrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._add_server_metrics()
        self._add_prediction_metrics()
        self._add_shadow_metrics()

    def _add_server_metrics(self) -> None:
        registry = self.registry
        self.requests = Counter("requests", "HTTP requests", ["path", "status"], registry=registry)
        self.in_flight = Gauge("requests_in_flight", "HTTP requests being answered", registry=registry)
        self.connections = Gauge("connections", "Open connections", registry=registry)
        self.connections_refused = Counter(
            "connections_refused",
            "Connections closed before a request was complete, or to make room for others",
            ["reason"],
            registry=registry,
        )
        self.versions = Gauge("model_version", "Version that has a role; 0 for none", ["role"], registry=registry)
        self.canary_percent = Gauge("canary_percent", "Share of rows that the canary answers", registry=registry)
        self.reachable = Gauge("registry_reachable", "Whether MLflow answered the last time", registry=registry)
        self.lost_processes = Counter(
            "model_processes_lost",
            "Processes of a version that crashed, or hung and were stopped",
            ["version"],
            registry=registry,
        )

    def _add_prediction_metrics(self) -> None:
        registry, arm = self.registry, ["role", "version"]
        self.rows = Counter("predictions", "Rows answered", arm, registry=registry)
        self.errors = Counter("prediction_errors", "Rows a model failed on", arm, registry=registry)
        self.seconds = Histogram(
            "prediction_seconds", "From a row's arrival to its answer", arm, buckets=SECONDS_BUCKETS, registry=registry
        )
        self.scores = Histogram(
            "prediction_score",
            "Probability, or prediction of a regression",
            arm,
            buckets=[step / 10 for step in range(1, 10)],
            registry=registry,
        )

    def _add_shadow_metrics(self) -> None:
        registry = self.registry
        self.shadow_dropped = Counter(
            "shadow_dropped", "Rows not sent to the shadow, because it was behind", registry=registry
        )
        self.disagreements = Counter(
            "shadow_disagreements", "Rows to which the shadow gives another label", registry=registry
        )
        self.differences = Histogram(
            "shadow_score_difference",
            "Between the scores of shadow and production",
            buckets=(0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
            registry=registry,
        )

    def count_rows(self, role: str, version: int, rows: int) -> tuple[Histogram, Histogram]:
        """Count answered rows; return the histograms in which to observe the seconds and the score of each."""
        labels = role, str(version)
        self.rows.labels(*labels).inc(rows)
        return self.seconds.labels(*labels), self.scores.labels(*labels)

    def compare_shadow(self, request: PendingRequest, answers: list[Answer]) -> None:
        """Compare a shadow's answers with those of production."""
        for shadow_answer, production_answer in zip(answers, request.production_answers, strict=True):
            self.disagreements.inc(shadow_answer.get("label") != production_answer.get("label"))
            self.differences.observe(abs(score(shadow_answer) - score(production_answer)))
