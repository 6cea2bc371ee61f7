"""What was answered: written down before anybody is told, counted, and held against what another version has answered."""

import time
from dataclasses import dataclass, field

import orjson

from lifecycle.core.times import now
from lifecycle.prediction_log.writer import Log
from lifecycle.serving.batcher import Answer, Asked, Served
from lifecycle.serving.canary_stats import Tally, score, score_edges
from lifecycle.serving.prometheus_metrics import Counters

CANARY, SHADOW, PINNED = "canary", "shadow", "pinned"


@dataclass
class Arms:
    """Production and canary, side by side since the canary began."""

    production: Tally
    canary: Tally
    edges: list[float] = field(default_factory=list)


class Account:
    """The account of one server: its log, its counters, and, while there is a canary, two arms."""

    def __init__(self, name: str, log: Log, counters: Counters) -> None:
        """`name` is the role of the version that answers: the alias that this server serves."""
        self.name, self.log, self.counters = name, log, counters
        self.arms: Arms | None = None

    def compare(self, answering: Served | None, canary: Served | None) -> None:
        """Begin to hold a canary against production; or do not any more, if either is not there."""
        if answering and canary:
            edges = score_edges(answering.known_answers)
            self.arms = Arms(Tally(answering.version), Tally(canary.version), edges)
        else:
            self.arms = None

    def write(self, served: Served, batch: list[Asked], answers: list[list[Answer]]) -> None:
        """Log what was answered, before anybody is told, and count it. Raises LogError if it cannot be logged."""
        moment, clock = now().isoformat(timespec="milliseconds"), time.perf_counter()
        start = b'{"time":"%s","version":%d,' % (moment.encode(), served.version)
        lines = []
        for asked, part in zip(batch, answers, strict=True):
            role = asked.role.encode()
            for row, answer in zip(asked.rows, part, strict=True):
                head = b'%s"role":"%s","request_id":"%s"' % (start, role, row.request_id.encode())
                tail = b',"milliseconds":%.3f,"inputs":%s,%s\n' % (1000 * (clock - row.since), row.record, text(answer))
                lines.append(head + tail)
        self.log.write(lines, moment[:10])
        for asked, part in zip(batch, answers, strict=True):
            self._count(served, asked, part, clock)

    def _count(self, served: Served, asked: Asked, answers: list[Answer], clock: float) -> None:
        seconds, scores = self.counters.answered(asked.role, served.version, len(answers))
        arm = self._arm(served, asked.role)
        for row, answer in zip(asked.rows, answers, strict=True):
            taken, value = clock - row.since, score(answer)
            seconds.observe(taken)
            scores.observe(value)
            if arm and self.arms:
                arm.add(1000 * (clock - asked.since), value, self.arms.edges, row.key)
        if asked.role == SHADOW:
            self.counters.disagreed(asked, answers)

    def failed(self, served: Served, role: str, rows: int) -> None:
        """Count rows that a version could not answer."""
        self.counters.errors.labels(role, str(served.version)).inc(rows)
        if arm := self._arm(served, role):
            arm.rows, arm.errors = arm.rows + rows, arm.errors + rows

    def _arm(self, served: Served, role: str) -> Tally | None:
        """Where what a version does in a role is counted, if it is held against another."""
        arms = {self.name: self.arms.production, CANARY: self.arms.canary} if self.arms else {}
        found = arms.get(role)
        return found if found and found.version == served.version else None


def text(answer: Answer) -> bytes:
    """Return an answer as the end of a JSON object."""
    return orjson.dumps(answer)[1:]
