"""One look at a window of the traffic: read, compare, judge, report."""

import datetime
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle.core import config
from lifecycle.core import reference as kept
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml
from lifecycle.core.times import duration
from lifecycle.core.version_files import REFERENCE
from lifecycle.gate.policy import Policy
from lifecycle.monitoring import drift_page as drawing
from lifecycle.monitoring import mlflow_series as series
from lifecycle.monitoring import report, settings, version
from lifecycle.monitoring.summary import Judge
from lifecycle.monitoring.traffic import Traffic, Watched, collect
from lifecycle.monitoring.window import Window, window
from lifecycle.serving import settings as serving


@dataclass(frozen=True)
class Asked:
    """What a person asks for; what is None comes from monitoring.yaml."""

    alias: str = "production"
    since: str | None = None
    until: str | None = None
    length: str | None = None
    log: str | None = None


def monitor(asked: Asked) -> tuple[dict[str, Any], Path]:
    """Look at a window, write its report and log its figures; return the summary and the folder of the report.

    Raises ConfigError if there is nothing to watch or nothing to hold it against.
    """
    drawing.need()
    wanted, params, server = settings.load(), config.load(), serving.load().server
    policy = Policy.checked(read_yaml(config.GATES), str(config.GATES))
    now = datetime.datetime.now(datetime.UTC)
    span = window(asked.since, asked.until, asked.length or wanted.window.length, now)
    number, files = version.fetched(params, asked.alias, server.cache / "monitor")
    table = kept.read(files / REFERENCE / config.REFERENCE.name)
    judge = Judge(number, files, table.to_pandas(), config.load(files / config.PARAMS), policy, wanted)
    comparison = judge.comparison()  # before the log is read: that may take long
    watched = Watched(settings.prediction_log(asked.log), asked.alias, number, table.schema)
    traffic, labelled = read(watched, span, wanted)
    summary = judge.summary(span, traffic) | {"role": asked.alias, "log": str(watched.log)}
    summary["readable"] = traffic.rows if len(traffic.sample) == wanted.sample.rows else len(traffic.sample)
    compared = comparison.of(traffic.sample) if summary["readable"] >= wanted.window.min_rows else []
    if compared:
        summary = judge.judged(summary, traffic.sample, labelled, compared)
    summary, place = report.publish(summary, compared, span, wanted)
    try:
        series.log(summary, params)
    except ConfigError as error:
        print(f"warning: {error}", file=sys.stderr)
    return summary, place


def read(watched: Watched, span: Window, wanted: settings.Monitoring) -> tuple[Traffic, pd.DataFrame]:
    """Return the traffic of a window, and the rows with labels: of the same window, or of the one that long ago.

    Raises ConfigError if the log cannot be read.
    """
    try:
        traffic = collect(watched, span, wanted.sample.rows, wanted.sample.labels)
        if wanted.performance.delay is None:
            return traffic, traffic.labelled
        earlier = span.before(duration(wanted.performance.delay))
        return traffic, collect(watched, earlier, 0, wanted.sample.labels).labelled
    except OSError as error:
        raise ConfigError(f"{watched.log}: the log cannot be read: {error}") from error
