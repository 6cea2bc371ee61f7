"""Everything that is found in a window, as a summary: traffic and a version's reference in, a plain dictionary out."""

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.files import read_yaml
from lifecycle.core.reference import ACTUAL
from lifecycle.gate.policy import Policy
from lifecycle.monitoring import performance, quality
from lifecycle.monitoring.drift import Compared, Comparison
from lifecycle.monitoring.settings import Monitoring
from lifecycle.monitoring.traffic import Traffic
from lifecycle.monitoring.window import Window


@dataclass(frozen=True)
class Judge:
    """A version, its reference, and what is allowed."""

    version: int
    folder: Path
    """Of the version's files."""
    reference: pd.DataFrame
    params: Params
    """The version's."""
    policy: Policy
    settings: Monitoring

    def comparison(self) -> Comparison:
        columns = read_yaml(self.folder / config.CONTRACT)["columns"]
        moments = [name for name, column in columns.items() if str(column["dtype"]).startswith("datetime")]
        return Comparison(self.reference, moments, self.settings.drift, self.params)

    def summary(self, window: Window, traffic: Traffic) -> dict[str, Any]:
        """Return what is known of a window before anything is compared."""
        return {
            "window": {"since": window.since.isoformat(), "until": window.until.isoformat()},
            "model": self.params.track.model,
            "version": str(self.version),
            "rows": traffic.rows,
            "compared": {"rows": len(traffic.sample), "reference": len(self.reference)},
            "labels": 0,
            "other_versions": {str(version): rows for version, rows in traffic.other_versions.items()},
            "broken_lines": traffic.broken_lines,
            "alarms": [],
            "drifted": [],
            "columns": [],
            "score": None,
            "quality": [],
            "performance": [],
        }

    def judged(
        self, summary: dict[str, Any], sample: pd.DataFrame, labelled: pd.DataFrame, compared: list[Compared]
    ) -> dict[str, Any]:
        """Return the summary with all that the window shows, and its alarms, a sentence each."""
        columns = [one.as_json() for one in compared]
        rate = self.settings.drift.false_alarms / 2
        sound = quality.judge(self.reference, sample, self.folder, self.settings.quality, rate, self.params)
        labels = performance.actual(labelled[ACTUAL], self.reference[ACTUAL], self.params)
        known = labelled.assign(**{ACTUAL: labels})[labels.notna()]
        measured = []
        if len(known) >= self.settings.performance.min_labels:
            today = datetime.datetime.now(datetime.UTC).date()
            measured = performance.judge(known, self.policy, self.params, today)
        lines = summary["rows"] + summary["broken_lines"]
        share, limit = summary["broken_lines"] / lines, self.settings.quality.unreadable
        if share:
            sound = [quality.finding("unreadable", "(lines of the log)", share, limit, share > limit), *sound]
        found = {
            "labels": len(known),
            "drifted": [one["name"] for one in columns[:-1] if one["status"] == "drift"],
            "columns": sorted(columns[:-1], key=lambda one: -one["value"] / one["threshold"]),
            "score": columns[-1],
            "quality": sound,
            "performance": measured,
        }
        return summary | found | {"alarms": alarms(found)}


def alarms(found: dict[str, Any]) -> list[str]:
    """Return what is wrong in a window, a sentence each."""
    moved = [one for one in [*found["columns"], found["score"]] if one["status"] == "drift"]
    said = [
        f"{'the score' if one is found['score'] else one['name']} drifted: {one['distance']} {one['value']:.3f}, "
        f"{one['threshold']:.3f} is allowed"
        for one in moved
    ]
    said += [
        f"{one['column']}: {one['check']} {one['value']:.4g}, the limit is {one['limit']:.4g}"
        for one in found["quality"]
        if one["status"] == "alarm"
    ]
    return said + [
        f"{one['metric']} is {one['value']:.4f} (95% interval {one['low']:.4f} to {one['high']:.4f}) on {one['labels']:,} "
        f"labelled rows, {one['limit']} is the limit"
        for one in found["performance"]
        if one["status"] == "breach"
    ]
