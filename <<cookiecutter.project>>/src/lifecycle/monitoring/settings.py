"""monitoring.yaml, typed and checked in one place."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from lifecycle.core.files import read_yaml
from lifecycle.core.section import Folder, Section
from lifecycle.core.times import duration

MONITORING = Path("monitoring.yaml")
WEBHOOK = "MONITORING_WEBHOOK"

Distance = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(gt=0)]


def _is_duration(text: str) -> str:
    duration(text)
    return text


Duration = Annotated[str, AfterValidator(_is_duration)]


class Windows(Section):
    length: Duration
    min_rows: Annotated[int, Field(ge=50)]  # with fewer no distance means anything
    log: str | None


class Sample(Section):
    rows: Annotated[int, Field(ge=100, le=100_000)]
    labels: Annotated[int, Field(ge=100, le=1_000_000)]


class Drift(Section):
    false_alarms: Annotated[float, Field(ge=0.001, le=0.2)]
    categorical: Distance
    numerical: Distance
    score: Distance
    ignore: list[str]


class Quality(Section):
    nulls: Share
    unseen: Share
    invalid: Share
    unreadable: Share
    refused: Share = 0.01


class Performance(Section):
    min_labels: Annotated[int, Field(ge=20)]
    delay: Duration | None
    estimated: Literal["shown", "alarm", "none"] = "shown"


class Extreme(Section):
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    distance: Annotated[float, Field(gt=1)] = 5.0
    metric: Annotated[float, Field(gt=1)] = 3.0


class Rule(Section):
    windows: Count
    alarms: Count
    extreme: Extreme | None = Extreme()

    @model_validator(mode="after")
    def _can_be_met(self) -> "Rule":
        if self.alarms > self.windows:
            raise ValueError(
                f"{self.alarms} alarms in {self.windows} windows are impossible: alarms may be at most windows"
            )
        return self


class Reports(Section):
    keep: Count | None = None


class Alert(Section):
    webhook_seconds: Annotated[float, Field(gt=0)]
    issue: Annotated[str, Field(max_length=50, pattern=r"^[^,]*$")]


class Retrain(Section):
    start: Literal["auto", "github", "here", "never"]
    branch: Annotated[str, Field(pattern=r"^[\w./-]+$")]


class Monitoring(Section):
    window: Windows
    sample: Sample
    drift: Drift
    quality: Quality
    performance: Performance
    rule: Rule
    reports: Reports = Reports()
    alert: Alert
    retrain: Retrain | None = None
    cache: Folder = Path(".monitoring")

    @model_validator(mode="after")
    def _fits_together(self) -> "Monitoring":
        if self.performance.min_labels > self.sample.labels:
            raise ValueError("performance.min_labels is more than sample.labels, so nothing would ever be measured")
        if self.reports.keep is not None and self.reports.keep < self.rule.windows:
            raise ValueError(
                f"reports.keep is less than rule.windows, {self.rule.windows}, whose reports the rule looks at"
            )
        return self


def load(path: Path = MONITORING) -> Monitoring:
    """Return the checked settings.

    Raises ConfigError naming every missing, misspelt or invalid one.
    """
    return Monitoring.checked(read_yaml(path), str(path))
