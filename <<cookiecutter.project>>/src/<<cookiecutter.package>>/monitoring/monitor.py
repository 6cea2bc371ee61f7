"""One look at a window of the traffic: read, compare, judge, report."""

import datetime
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from << cookiecutter.package >> import config
from << cookiecutter.package >>.errors import ConfigError
from << cookiecutter.package >>.files import read_yaml, write_json, write_text
from << cookiecutter.package >>.monitoring import drawing, folder, history, render, rule, series, settings, version
from << cookiecutter.package >>.monitoring import reference as kept
from << cookiecutter.package >>.monitoring.summary import Judge
from << cookiecutter.package >>.monitoring.traffic import Traffic, Watched, collect
from << cookiecutter.package >>.monitoring.window import Window, duration, window
from << cookiecutter.package >>.release import policy
from << cookiecutter.package >>.serving import settings as serving
from << cookiecutter.package >>.tracking import REFERENCE

PAGE, TEXT = "drift.html", "summary.md"


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
    now = datetime.datetime.now(datetime.UTC)
    span = window(asked.since, asked.until, asked.length or wanted.window.length, now)
    number, files = version.fetched(params, asked.alias, server.cache / "monitor")
    table = kept.read(files / REFERENCE / config.REFERENCE.name)
    limits = policy.Policy.checked(read_yaml(config.GATES), str(config.GATES))
    judge = Judge(number, files, table.to_pandas(), config.load(files / config.PARAMS), limits, wanted)
    watched = Watched(asked.log or wanted.window.log or server.log, asked.alias, number, table.schema)
    traffic, labelled = read(watched, span, wanted)
    summary = judge.summary(span, traffic)
    with folder.new() as making:
        enough = traffic.rows >= wanted.window.min_rows
        if enough:
            compared = judge.comparison().of(traffic.sample)
            summary = judge.judged(summary, traffic.sample, labelled, compared)
            drawing.draw(compared, *title(summary), making / PAGE)
        with folder.locked():
            before = history.earlier(folder.REPORTS, summary, wanted.rule.windows - 1)
            if enough:
                summary = rule.decided(summary, before, wanted.rule)
            else:
                summary = rule.undecided(summary, before, wanted.window.min_rows)
            write_json(summary, making / history.SUMMARY)
            write_text(render.markdown(summary), making / TEXT)
            place = folder.REPORTS / span.name
            folder.put(making, place)
    try:
        series.log(summary, params)
    except ConfigError as error:
        print(f"warning: {error}", file=sys.stderr)
    return summary, place


def read(watched: Watched, span: Window, wanted: settings.Monitoring) -> tuple[Traffic, Any]:
    """Return the traffic of a window, and the rows with labels: of the same window, or of the one that long ago.

    Raises ConfigError if the log cannot be read.
    """
    try:
        traffic = collect(watched, span, wanted.sample.rows, wanted.sample.labels)
        if wanted.performance.delay is None:
            return traffic, traffic.labelled
        earlier = span.before(duration(wanted.performance.delay))
        return traffic, collect(watched, earlier, 0, wanted.sample.labels).labelled
    except (OSError, ImportError) as error:  # of what fsspec lacks for a kind of URL, too
        raise ConfigError(f"{watched.log}: the log cannot be read: {error}") from None


def title(summary: dict[str, Any]) -> tuple[str, list[str]]:
    """Return what stands above the drawing."""
    alarms = summary["alarms"] or ["No alarm in this window."]
    said = f"{summary['model']} version {summary['version']}: the window beside the reference"
    return said, [render.headline(summary), *alarms]
