"""What is wrong in a window: a sentence for each alarm, and which alarms are so large that no second window is needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lifecycle.monitoring.drift import DRIFT, ColumnDrift
from lifecycle.monitoring.performance import BREACH, MetricInterval
from lifecycle.monitoring.quality import ALARM, REFUSED, SHARES, QualityFinding
from lifecycle.monitoring.settings import Extreme
from lifecycle.prediction_log.refusals import Mistake


@dataclass(frozen=True)
class RefusedFor:
    """Why rows were refused, and how many, as a summary has it."""

    column: str
    rule: str
    value: str
    rows: int

    def __str__(self) -> str:
        return ", ".join(filter(None, (f"{self.column or 'the request'}: {self.rule}", self.value)))


@dataclass(frozen=True)
class Alarm:
    """An alarm of a window."""

    text: str
    name: str
    """What it is about, in a few words."""
    extreme: bool


def refused_for(mistakes: Sequence[tuple[Mistake, int]]) -> list[RefusedFor]:
    return [RefusedFor(*mistake, rows) for mistake, rows in mistakes]


def drift_alarms(columns: Sequence[ColumnDrift], score: ColumnDrift, extreme: Extreme | None) -> Iterator[Alarm]:
    """Yield an alarm for each column that drifted, and for the score."""
    for column in [*columns, score]:
        if column.status == DRIFT:
            name = "the score" if column is score else column.name
            text = f"{name} drifted: {column.distance} {column.value:.3f}, the threshold is {column.threshold:.3f}"
            is_extreme = extreme is not None and column.value > extreme.distance * column.threshold
            yield Alarm(text, f"{name} ({column.distance})", is_extreme)


def quality_alarms(
    findings: Sequence[QualityFinding], refused: Sequence[RefusedFor], extreme: Extreme | None
) -> Iterator[Alarm]:
    """Yield an alarm for each finding beyond its limit; `refused` is why rows were refused, the most frequent reason first."""
    for finding in findings:
        if finding.status == ALARM:
            text = f"{finding.column}: {finding.check} {finding.value:.4g}, the limit is {finding.limit:.4g}"
            if finding.check == REFUSED and refused:
                text += f" (most often {refused[0]})"
            beyond = (finding.value - finding.limit) / (1 - finding.limit) if finding.check in SHARES else 0.0
            yield Alarm(text, f"{finding.column} ({finding.check})", extreme is not None and beyond >= extreme.share)


def metric_alarms(metrics: Sequence[MetricInterval], extreme: Extreme | None) -> Iterator[Alarm]:
    """Yield an alarm for each metric that breaks its limit."""
    for metric in metrics:
        if metric.status == BREACH:
            text = (
                f"{metric.metric} is {metric.value:.4f} (95% interval {metric.low:.4f} to {metric.high:.4f}) on "
                f"{metric.labels:,} labelled rows, the limit is {metric.limit}"
            )
            yield Alarm(text, metric.metric, extreme is not None and metric.times_limit > extreme.metric)


def estimate_alarms(estimated: Sequence[MetricInterval], measured: Sequence[MetricInterval]) -> Iterator[Alarm]:
    """Yield an alarm for each metric that is expected to break its limit and is not measured. None of them is extreme."""
    known = {metric.metric for metric in measured}
    for metric in estimated:
        if metric.status == BREACH and metric.metric not in known:
            text = (
                f"{metric.metric} is estimated at {metric.value:.4f} (95% interval {metric.low:.4f} to {metric.high:.4f}) "
                f"without labels, the limit is {metric.limit}"
            )
            yield Alarm(text, f"{metric.metric} (estimated)", False)
