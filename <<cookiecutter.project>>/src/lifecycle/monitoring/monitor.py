"""Monitor a window of the traffic: read, compare, report."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as arrow

from lifecycle.core import config, reference
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml
from lifecycle.core.own_metrics import declared_here
from lifecycle.core.times import Window, duration, now, window
from lifecycle.core.version_files import REFERENCE
from lifecycle.gate.policy import Policy
from lifecycle.monitoring import drift_page, mlflow_series, settings, window_report
from lifecycle.monitoring.performance import params_of
from lifecycle.monitoring.settings import Monitoring
from lifecycle.monitoring.summary import Baseline, Summary
from lifecycle.monitoring.traffic import Traffic, Watched, collect
from lifecycle.prediction_log.private_columns import private_columns
from lifecycle.prediction_log.settings import location
from lifecycle.registry import version_cache


@dataclass(frozen=True)
class Options:
    """The options of the command; what is None comes from monitoring.yaml."""

    alias: str = "production"
    since: str | None = None
    until: str | None = None
    length: str | None = None
    log: str | None = None


def monitor(options: Options) -> tuple[Summary, Path]:
    """Monitor a window, write its report and log its figures; return the summary and the folder of the report.

    Raises ConfigError if there is no version to monitor, or no reference to compare its traffic with.
    """
    drift_page.check_installed()
    limits, params = settings.load(), config.load()
    policy = Policy.checked(read_yaml(config.GATES), str(config.GATES), declared_here(params.package))
    span = window(options.since, options.until, options.length or limits.window.length, now(), whole_seconds=True)
    version, files = fetch_version(params, options.alias, limits.cache)
    table, private = logged_inputs(reference.read(files / REFERENCE / config.REFERENCE.name), files)
    baseline = Baseline(version, files, table.to_pandas(), params_of(files), policy, limits, private)
    comparison = baseline.comparison()  # may be refused, so before the log is read, which may take long
    watched = Watched(location(options.log, limits.window.log), options.alias, version, table.schema)
    traffic, labelled = read_traffic(watched, span, limits)
    summary = baseline.summary(span, watched, traffic)
    compared = comparison.of(traffic.sample) if summary.readable >= limits.window.min_rows else []
    if compared:
        summary = baseline.measured(summary, traffic.sample, labelled, compared)
    elif summary.readable + summary.refused_rows >= limits.window.min_rows:
        summary = baseline.unanswered(summary)
    summary, folder = window_report.publish(summary, compared, limits)
    try:
        mlflow_series.log(summary, params)
    except ConfigError as error:
        print(f"warning: {error}", file=sys.stderr)
    return summary, folder


def logged_inputs(table: arrow.Table, version: Path) -> tuple[arrow.Table, dict[str, str]]:
    """Return a reference without the inputs that the log leaves out or has hashed, and which those are.

    The contract of the repo counts, by which servers write the log, and that of the version, which may be older.
    """
    private = private_columns(version / config.CONTRACT) | private_columns(config.CONTRACT)
    hidden = {name: how for name, how in private.items() if f"{reference.INPUTS}{name}" in table.column_names}
    return table.drop_columns([f"{reference.INPUTS}{name}" for name in hidden]), hidden


def read_traffic(watched: Watched, span: Window, limits: Monitoring) -> tuple[Traffic, pd.DataFrame]:
    """Return the traffic of a window, and the rows with labels: of the same window, or of the one `performance.delay` earlier.

    Raises ConfigError if the log cannot be read.
    """
    try:
        traffic = collect(watched, span, limits.sample.rows, limits.sample.labels)
        if limits.performance.delay is None:
            return traffic, traffic.labelled
        earlier = span.before(duration(limits.performance.delay))
        return traffic, collect(watched, earlier, 0, limits.sample.labels).labelled
    except OSError as error:
        raise ConfigError(f"{watched.log}: the log cannot be read: {error}") from error


def fetch_version(params: Params, alias: str, cache: Path) -> tuple[int, Path]:
    """Return the number of the version that has an alias, and the folder in the cache that holds its files.

    Raises ConfigError if no version has it, or neither MLflow nor the cache has its files.
    """
    version = version_cache.fetch_by_alias(params, alias, cache)
    if version is None:
        raise ConfigError(f"no version of {params.track.model} is {alias}, so there is nothing to monitor")
    return version
