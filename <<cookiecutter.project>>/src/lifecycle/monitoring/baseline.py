"""What a window is compared with, and how its summary follows from the traffic."""

import datetime
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.files import read_yaml
from lifecycle.core.reference import ACTUAL
from lifecycle.core.times import Window
from lifecycle.gate.policy import Policy
from lifecycle.monitoring import performance, quality
from lifecycle.monitoring.alarms import drift_alarms, estimate_alarms, metric_alarms, quality_alarms, refused_for
from lifecycle.monitoring.drift import Compared, Comparison
from lifecycle.monitoring.estimated_performance import estimate
from lifecycle.monitoring.model_age import model_age
from lifecycle.monitoring.performance import MetricInterval
from lifecycle.monitoring.quality import QualityFinding
from lifecycle.monitoring.scored_table import ScoredTable
from lifecycle.monitoring.settings import Monitoring
from lifecycle.monitoring.summary import Summary
from lifecycle.monitoring.traffic import Traffic, Watched

MOST_REASONS = 20  # for refusals, in a summary


@dataclass(frozen=True)
class Baseline:
    """What a window is compared with: a version, its reference, and the limits."""

    version: int
    folder: Path
    """Of the version's files."""
    reference: pd.DataFrame
    params: Params
    """The version's."""
    policy: Policy
    settings: Monitoring
    private: dict[str, str] = field(default_factory=dict)
    """The inputs that are not in the reference because the log does not have them as they were sent."""
    left_out: tuple[str, ...] = ()
    """The inputs that are not in the reference because the scores of a table are without them."""

    def comparison(self) -> Comparison:
        columns = read_yaml(self.folder / config.CONTRACT)["columns"]
        dates = [name for name, column in columns.items() if str(column["dtype"]).startswith("datetime")]
        ignored = [name for name in self.settings.drift.ignore if name not in (*self.private, *self.left_out)]
        limits = self.settings.drift.model_copy(update={"ignore": ignored})
        return Comparison(self.reference, dates, limits, self.params)

    def summary(self, window: Window, watched: Watched | ScoredTable, traffic: Traffic) -> Summary:
        """Return the summary of a window before anything is compared."""
        sampled = len(traffic.sample)
        return Summary(
            window=window,
            model=self.params.track.model,
            version=str(self.version),
            rows=traffic.rows,
            compared={"rows": sampled, "reference": len(self.reference)},
            labels=0,
            other_versions={str(version): rows for version, rows in traffic.other_versions.items()},
            broken_lines=traffic.broken_lines,
            alarms=[],
            drifted=[],
            columns=[],
            score=None,
            quality=[],
            performance=[],
            role=watched.role,
            log=str(watched.log),
            readable=traffic.rows if sampled == self.settings.sample.rows else sampled,
            age=model_age(self.folder, self.params, window.until),
            refused_rows=traffic.refused.rows,
            private=self.private,
            notes=traffic.notes,
            refused=refused_for(traffic.refused.mistakes.most_common(MOST_REASONS)),
        )

    def measured(
        self, summary: Summary, sample: pd.DataFrame, labelled: pd.DataFrame, compared: list[Compared]
    ) -> Summary:
        """Return the summary with drift, data quality, performance, and the alarms.

        Args:
            summary: as `summary` returns it.
            sample: rows of the window, as Traffic has them.
            labelled: rows with `actual`.
            compared: the columns of the sample, the score last.
        """
        *columns, score = [column.result() for column in compared]
        farthest = sorted(columns, key=lambda column: -column.value / column.threshold)
        rate = self.settings.drift.false_alarms / 2
        findings = quality.check(self.reference, sample, self.folder, self.settings.quality, rate, self.params)
        findings = [*self._of_the_log(summary), *findings]
        labels = performance.actual(labelled[ACTUAL], self.reference[ACTUAL], self.params)
        known = labelled.assign(**{ACTUAL: labels})[labels.notna()]
        metrics: list[MetricInterval] = []
        estimated: list[MetricInterval] = []
        corrected = False
        today = datetime.datetime.now(datetime.UTC).date()
        if len(known) >= self.settings.performance.min_labels:
            metrics = performance.measure(known, self.policy, self.params, today)
        if self.settings.performance.estimated != "none":
            estimated, corrected = estimate(sample, self.reference, self.policy, self.params, today)
        extreme = self.settings.rule.extreme
        alarms = [
            *drift_alarms(farthest, score, extreme),
            *quality_alarms(findings, summary.refused, extreme),
            *metric_alarms(metrics, extreme),
        ]
        if self.settings.performance.estimated == "alarm":
            alarms += estimate_alarms(estimated, metrics)
        return replace(
            summary,
            labels=len(known),
            alarms=[alarm.text for alarm in alarms],
            extreme=[alarm.name for alarm in alarms if alarm.extreme],
            drifted=[column.name for column in columns if column.status == "drift"],
            columns=farthest,
            score=score,
            quality=findings,
            performance=metrics,
            estimated=estimated,
            corrected=corrected,
        )

    def unanswered(self, summary: Summary) -> Summary:
        """Return the summary of a window in which too few rows were answered to compare any, but enough were sent.

        There is an alarm if too many were refused or cannot be read; without one nothing is known.
        """
        extreme, findings = self.settings.rule.extreme, self._of_the_log(summary)
        alarms = [*quality_alarms(findings, summary.refused, extreme)]
        return replace(
            summary,
            alarms=[alarm.text for alarm in alarms],
            extreme=[alarm.name for alarm in alarms if alarm.extreme],
            quality=findings,
        )

    def _of_the_log(self, summary: Summary) -> list[QualityFinding]:
        return quality.of_the_log(summary.rows, summary.refused_rows, summary.broken_lines, self.settings.quality)
