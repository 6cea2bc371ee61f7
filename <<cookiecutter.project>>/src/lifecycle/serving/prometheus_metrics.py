"""The metrics that `/metrics` exposes to Prometheus; prometheus/ has alert rules and a Grafana dashboard that use them."""

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from lifecycle.serving.pending_request import Answer, PendingRequest

NAMESPACE = "serving"  # what every name begins with
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
SCORE_BUCKETS = 10  # at most
Metric = TypeVar("Metric", Counter, Histogram)


class ServerMetrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._scores: Histogram | None = None
        self._add_server_metrics()
        self._add_prediction_metrics()
        self._add_shadow_metrics()

    def _add_server_metrics(self) -> None:
        self.requests = self._counter("requests", "HTTP requests", "path", "status")
        self.request_seconds = self._histogram("request_seconds", "From a request's head to its response", "path")
        self.in_flight = self._gauge("requests_in_flight", "HTTP requests being answered")
        self.connections = self._gauge("connections", "Open connections")
        self.connections_refused = self._counter(
            "connections_refused",
            "Connections closed before a request was complete, or to make room for others",
            "reason",
        )
        self.versions = self._gauge("model_version", "Version that has a role; 0 for none", "role")
        self.canary_percent = self._gauge("canary_percent", "Share of rows that the canary answers")
        self.reachable = self._gauge("registry_reachable", "Whether MLflow answered the last time")
        self.lost_processes = self._counter(
            "model_processes_lost", "Processes of a version that crashed, or hung and were stopped", "version"
        )
        self.log_failures = self._counter("log_failures", "Times that the prediction log could not be written")

    def _add_prediction_metrics(self) -> None:
        arm = ("role", "version")
        self.rows = self._counter("predictions", "Rows answered", *arm)
        self.rows_refused = self._counter(
            "rows_refused", "Rows that break the contract, by the first mistake of their request", "column", "rule"
        )
        self.errors = self._counter("prediction_errors", "Rows a model failed on", *arm)
        self.seconds = self._histogram("prediction_seconds", "From a row's arrival to its answer", *arm)
        self.model_seconds = self._histogram("model_seconds", "A call of a version's process, for one batch", "version")

    def _add_shadow_metrics(self) -> None:
        self.shadow_dropped = self._counter("shadow_dropped", "Rows not sent to the shadow, because it was behind")
        self.disagreements = self._counter("shadow_disagreements", "Rows to which the shadow gives another label")
        self.differences = self._histogram(
            "shadow_score_difference",
            "Between the scores of shadow and production",
            buckets=(0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
        )

    def set_score_edges(self, edges: Sequence[float]) -> None:
        """Choose the buckets of `prediction_score`, once: they fit the scores that the first version gives its reference."""
        if self._scores is None and edges:
            step = -(-len(edges) // SCORE_BUCKETS)
            self._scores = self._histogram(
                "prediction_score",
                "Probability, or prediction of a regression",
                *("role", "version"),
                buckets=sorted(set(edges[step - 1 :: step])),
            )

    def count_rows(self, role: str, version: int, scores: list[float], seconds: list[float]) -> None:
        """Count answered rows, with the score of each and the seconds that it took."""
        labels = role, str(version)
        self.rows.labels(*labels).inc(len(scores))
        of_seconds = self.seconds.labels(*labels)
        for value in seconds:
            of_seconds.observe(value)
        if self._scores:
            of_scores = self._scores.labels(*labels)
            for value in scores:
                of_scores.observe(value)

    def compare_shadow(self, request: PendingRequest, answers: list[Answer]) -> None:
        """Compare a shadow's answers with those of production."""
        for shadow_answer, production_answer in zip(answers, request.production_answers, strict=True):
            shadow_label, production_label = (
                orjson.loads(b"{" + answer.tail).get("label") for answer in (shadow_answer, production_answer)
            )
            self.disagreements.inc(shadow_label != production_label)
            self.differences.observe(abs(shadow_answer.score - production_answer.score))

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return _with_known_children(Counter(name, help_text, labels, namespace=NAMESPACE, registry=self.registry))

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(name, help_text, labels, namespace=NAMESPACE, registry=self.registry)

    def _histogram(
        self, name: str, help_text: str, *labels: str, buckets: Sequence[float] = SECONDS_BUCKETS
    ) -> Histogram:
        histogram = Histogram(name, help_text, labels, namespace=NAMESPACE, buckets=buckets, registry=self.registry)
        return _with_known_children(histogram)


def _with_known_children(metric: Metric) -> Metric:
    """Remember what `labels` returns: to find it again takes longer than to count."""
    metric.labels = cache(metric.labels)  # type: ignore[method-assign]
    return metric
