"""Monitor a window of the traffic: read, compare, report."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as arrow

from lifecycle.core import config, contract, reference
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml
from lifecycle.core.own_metrics import declared_here
from lifecycle.core.times import Window, duration, now, window
from lifecycle.core.version_files import REFERENCE
from lifecycle.gate.policy import Policy
from lifecycle.monitoring import mlflow_series, scored_rows, settings, traffic, window_report
from lifecycle.monitoring.baseline import Baseline
from lifecycle.monitoring.performance import params_of
from lifecycle.monitoring.scored_table import ScoredTable
from lifecycle.monitoring.settings import Monitoring
from lifecycle.monitoring.summary import TABLE, Summary
from lifecycle.monitoring.traffic import Traffic, Watched
from lifecycle.prediction_log.private_columns import private_columns
from lifecycle.prediction_log.settings import location
from lifecycle.registry import version_cache
from lifecycle.registry.aliases import CANARY, PRODUCTION

GIVEN = (PRODUCTION, CANARY)  # the roles whose answers clients were given
Collect = Callable[[Window, int, int], Traffic]
"""A window, and how many rows and labels its samples have at most."""


@dataclass(frozen=True)
class Scores:
    """A table scored in batch, and what to join with it."""

    scores: str
    input: str | None = None
    labels: str | None = None


@dataclass(frozen=True)
class Options:
    """The options of the command; what is None comes from monitoring.yaml."""

    alias: str = "production"
    since: str | None = None
    until: str | None = None
    length: str | None = None
    log: str | None = None
    table: Scores | None = None
    """None: the prediction log is read."""
    version: int | None = None
    """None: the one that has the alias."""


def monitor(options: Options, draw: window_report.Draw) -> tuple[Summary, Path]:
    """Monitor a window, write its report and log its figures; return the summary and the folder of the report.

    `draw` writes the page of the report. Raises ConfigError if there is no version to monitor, or no reference to compare its traffic
    with; DataError if a table that was scored has values of another type than the contract.
    """
    limits, params = settings.load(), config.load()
    policy = Policy.checked(read_yaml(config.GATES), str(config.GATES), declared_here(params.package))
    span = window(options.since, options.until, options.length or limits.window.length, now(), whole_seconds=True)
    version, files = fetch_version(params, options, limits.cache)
    table = reference.read(files / REFERENCE / config.REFERENCE.name)
    of_version = params_of(files)
    watched: Watched | ScoredTable
    if options.table:
        watched, collect = scored(options, version, files, table, of_version)
        private: dict[str, str] = {}
    else:
        table, private = logged_inputs(table, files)
        watched, collect = logged(options, location(options.log, limits.window.log), version, table)
    left_out = watched.left_out if isinstance(watched, ScoredTable) else ()
    compared_with = table.select(watched.schema.names).to_pandas()
    baseline = Baseline(version, files, compared_with, of_version, policy, limits, private, left_out)
    comparison = baseline.comparison()  # may be refused, so before the log is read, which may take long
    window_traffic, labelled = read_traffic(
        collect, span, limits, f"{watched.log}: the {'table' if options.table else 'log'}"
    )
    summary = baseline.summary(span, watched, window_traffic)
    compared = comparison.of(window_traffic.sample) if summary.readable >= limits.window.min_rows else []
    if compared:
        summary = baseline.measured(summary, window_traffic.sample, labelled, compared)
    elif summary.readable + summary.refused_rows >= limits.window.min_rows:
        summary = baseline.unanswered(summary)
    summary, folder = window_report.publish(summary, compared, limits, draw)
    try:
        mlflow_series.log(summary, params)
    except ConfigError as error:
        print(f"warning: {error}", file=sys.stderr)
    return summary, folder


def logged(options: Options, log: Path | str, version: int, table: arrow.Table) -> tuple[Watched, Collect]:
    """Return what is monitored in the prediction log, and how it is read; `table` is the reference.

    A version that is named answered as a canary as well as in production.
    """
    roles = GIVEN if options.version and options.alias == PRODUCTION else (options.alias,)
    role = "" if options.version and options.alias == PRODUCTION else options.alias
    watched = Watched(log, _named(role, options.version), version, table.schema, roles)
    return watched, lambda span, rows, labels: traffic.collect(watched, span, rows, labels)


def scored(
    options: Options, version: int, files: Path, table: arrow.Table, params: Params
) -> tuple[ScoredTable, Collect]:
    """Return what is monitored in a table of scores, and how it is read; files, reference and params are the version's."""
    source = options.table
    assert source, "a table is monitored"
    names = [name.removeprefix(reference.INPUTS) for name in table.column_names if name.startswith(reference.INPUTS)]
    left_out = () if source.input else tuple(names)
    table = table.drop_columns([f"{reference.INPUTS}{name}" for name in left_out])
    scores = source.scores.rstrip("/")
    watched = ScoredTable(
        scores,
        source.input,
        source.labels,
        _named(f"{TABLE}{re.sub(r'[^A-Za-z0-9_.-]', '_', scores.rpartition('/')[2])}", options.version),
        version,
        table.schema,
        params.data,
        contract.load(files / config.CONTRACT, params.package),
        left_out,
    )
    return watched, lambda span, rows, labels: scored_rows.collect(watched, span, rows, labels)


def _named(role: str, version: int | None) -> str:
    """The name of a role in reports; windows of a version that was named are a history of their own."""
    return "-".join(filter(None, (role, f"version-{version}" if version else "")))


def logged_inputs(table: arrow.Table, version: Path) -> tuple[arrow.Table, dict[str, str]]:
    """Return a reference without the inputs that the log leaves out or has hashed, and which those are.

    The contract of the repo counts, by which servers write the log, and that of the version, which may be older.
    """
    private = private_columns(version / config.CONTRACT) | private_columns(config.CONTRACT)
    hidden = {name: how for name, how in private.items() if f"{reference.INPUTS}{name}" in table.column_names}
    return table.drop_columns([f"{reference.INPUTS}{name}" for name in hidden]), hidden


def read_traffic(collect: Collect, span: Window, limits: Monitoring, source: str) -> tuple[Traffic, pd.DataFrame]:
    """Return the traffic of a window, and the rows with labels: of the same window, or of the one `performance.delay` earlier.

    Raises ConfigError if the source, such as "logs: the log", cannot be read.
    """
    try:
        if limits.performance.delay is None:
            window_traffic = collect(span, limits.sample.rows, limits.sample.labels)
            return window_traffic, window_traffic.labelled
        earlier = span.before(duration(limits.performance.delay))
        answers, labels = collect(span, limits.sample.rows, 0), collect(earlier, 0, limits.sample.labels)
        return replace(answers, notes=list(dict.fromkeys([*answers.notes, *labels.notes]))), labels.labelled
    except OSError as error:
        raise ConfigError(f"{source} cannot be read: {error}") from error


def fetch_version(params: Params, options: Options, cache: Path) -> tuple[int, Path]:
    """Return the number of the version to monitor, and the folder in the cache that holds its files.

    Raises ConfigError if there is no such version, or neither MLflow nor the cache has its files.
    """
    if options.version is not None:
        return options.version, version_cache.fetch_by_number(params, options.version, cache)
    version = version_cache.fetch_by_alias(params, options.alias, cache)
    if version is None:
        raise ConfigError(f"no version of {params.track.model} is {options.alias}, so there is nothing to monitor")
    return version
