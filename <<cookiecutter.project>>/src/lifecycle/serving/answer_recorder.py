"""Record answers: in the prediction log before they are sent, in the metrics, and in the statistics of a canary."""

import time
from dataclasses import dataclass, field

import orjson

from lifecycle.core.times import now
from lifecycle.prediction_log.private_columns import Redaction
from lifecycle.prediction_log.writer import PREDICTIONS, Log, LogError
from lifecycle.registry.aliases import CANARY, SHADOW
from lifecycle.serving.batcher import ServedVersion
from lifecycle.serving.canary_stats import ArmStats, score_edges
from lifecycle.serving.pending_request import Answer, PendingRequest
from lifecycle.serving.prometheus_metrics import ServerMetrics
from lifecycle.serving.server_log import RepeatedProblem
from lifecycle.serving.tracing import Tracing


@dataclass
class Arms:
    """Statistics of production and the canary since the canary began."""

    production: ArmStats
    canary: ArmStats
    score_edges: list[float] = field(default_factory=list)


class AnswerRecorder:
    """The log and the metrics of one server and, while there is a canary, the statistics of both arms."""

    def __init__(
        self,
        role: str,
        log: Log,
        metrics: ServerMetrics,
        redaction: Redaction | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        """Record answers.

        Args:
            role: of the version that answers by default: the alias that this server serves.
            log: where answers are written.
            metrics: where they are counted.
            redaction: what is done to rows before they are written.
            tracing: makes spans of each call, if anything.
        """
        self.role, self.log, self.metrics, self.redaction, self.tracing = role, log, metrics, redaction, tracing
        self.arms: Arms | None = None
        self._unwritten = RepeatedProblem("log_not_written")

    def reset_arms(self, answering: ServedVersion | None, canary: ServedVersion | None) -> None:
        """Start to compare a canary with the version that answers; stop if one of them is missing."""
        if answering and canary:
            edges = score_edges(answering.known_answers)
            self.arms = Arms(ArmStats(answering.version), ArmStats(canary.version), edges)
        else:
            self.arms = None

    def write(self, lines: list[bytes], day: str, kind: str = PREDICTIONS) -> None:
        """Write lines into the log. Raises LogError, counts it and says so once a minute, if it cannot be written."""
        try:
            self.log.write(lines, day, kind)
        except LogError as error:
            self.metrics.log_failures.inc()
            self._unwritten.add(str(error))
            raise
        self._unwritten.end(f"the prediction log in {self.log.folder} can be written again")

    def record(
        self, served: ServedVersion, requests: list[PendingRequest], answers: list[list[Answer]], seconds: float
    ) -> None:
        """Log and count the answers to requests, for which the model took so many seconds.

        Raises LogError if they cannot be logged; then they must not be sent.
        """
        self.metrics.model_seconds.labels(str(served.version)).observe(seconds)
        moment, clock = now().isoformat(timespec="milliseconds"), time.perf_counter()
        if self.tracing:
            self.tracing.record(served.version, requests, seconds, clock)
        start = b'{"time":"%s","version":%d,' % (moment.encode(), served.version)
        lines = []
        for request, request_answers in zip(requests, answers, strict=True):
            role = request.role.encode()
            for row, answer in zip(request.rows, request_answers, strict=True):
                trace = b',"traceparent":"%s"' % row.trace if row.trace else b""
                lines.append(
                    b'%s"role":"%s","request_id":"%s"%s,"milliseconds":%.3f,"inputs":%s,%s\n'
                    % (
                        start,
                        role,
                        row.request_id.encode(),
                        trace,
                        1000 * (clock - row.since),
                        self._logged(row.record),
                        answer.tail,
                    )
                )
        self.write(lines, moment[:10])
        for request, request_answers in zip(requests, answers, strict=True):
            self._count(served, request, request_answers, clock)

    def record_failure(self, served: ServedVersion, role: str, rows: int) -> None:
        """Count rows on which a version failed."""
        self.metrics.errors.labels(role, str(served.version)).inc(rows)
        if arm := self._arm(served, role):
            arm.add_errors(rows)

    def _logged(self, record: bytes) -> bytes:
        return orjson.dumps(self.redaction.row(orjson.loads(record))) if self.redaction else record

    def _count(self, served: ServedVersion, request: PendingRequest, answers: list[Answer], clock: float) -> None:
        scores = [answer.score for answer in answers]
        self.metrics.count_rows(request.role, served.version, scores, [clock - row.since for row in request.rows])
        arm = self._arm(served, request.role)
        if arm and self.arms:
            for row, value in zip(request.rows, scores, strict=True):
                arm.add(1000 * (clock - request.since), value, self.arms.score_edges, row.row_id)
        if request.role == SHADOW:
            self.metrics.compare_shadow(request, answers)

    def _arm(self, served: ServedVersion, role: str) -> ArmStats | None:
        """The arm in which the answers of a version in a role count, if any."""
        arms = {self.role: self.arms.production, CANARY: self.arms.canary} if self.arms else {}
        arm = arms.get(role)
        return arm if arm and arm.version == served.version else None
