"""Command `score`, and `validate --engine spark`."""

import argparse
import datetime
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.pipeline import commands as pipeline_commands

if TYPE_CHECKING:
    from lifecycle.batch.job import Job

ENGINES = ("local", "spark")
MAX_DATES = 3660  # of a range


def score(arguments: argparse.Namespace) -> int:
    """Score every row of a table with the version of the model that has an alias."""
    from lifecycle.batch import object_store

    job = make_job(arguments)
    # This process turns into the one that scores: memory that the registry needed is freed, and stopping it stops the run.
    sys.stdout.flush()
    path = os.pathsep.join([job.code_folder, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    command, environment = [sys.executable, "-P", "-m", "lifecycle.batch.process"], {**os.environ, "PYTHONPATH": path}
    if job.engine == "local" and (object_store.is_address(job.input) or object_store.is_address(job.output)):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was fetched is removed
        return object_store.score(job, Path(job.version_folder).parent, command, environment)
    os.execve(sys.executable, [*command, job.to_json()], environment)


def make_job(arguments: argparse.Namespace) -> "Job":
    """Fetch the version and return what the run has to do. Raises RefusedError if no version has the alias."""
    started = time.time()
    from lifecycle.batch import object_store, settings
    from lifecycle.batch.date_folders import dated_folders, days
    from lifecycle.batch.input_files import input_files
    from lifecycle.batch.job import Job
    from lifecycle.batch.overlay import overlay
    from lifecycle.batch.spark import java
    from lifecycle.core import config, package_versions
    from lifecycle.registry import version_cache

    package_versions.check()
    if arguments.engine == "spark":
        java.configure()
    batch_settings, params = settings.load(), config.load()
    is_range = arguments.as_of[1] is not None
    dates = days(*arguments.as_of)
    if arguments.engine == "local":  # fail before anything is fetched
        if not object_store.is_address(arguments.input) and not is_range:
            input_files(arguments.input)
        object_store.check(arguments.input.rstrip("/"), arguments.output.rstrip("/"), dates)
    if is_range:
        dated_folders(arguments.input, _names_in(arguments), dates)
    if Path(arguments.output).name in ("", ".."):
        raise ConfigError(f"--output {arguments.output}: name a folder, beside which the quarantine can be written")
    fetched = version_cache.fetch_by_alias(params, arguments.alias, batch_settings.cache)
    if fetched is None:
        raise RefusedError(f"no version of {params.track.model} is in {arguments.alias}: promote one, then score")
    version, folder = fetched
    return Job(
        input=arguments.input.rstrip("/") or arguments.input,
        output=arguments.output.rstrip("/") or arguments.output,
        engine=arguments.engine,
        master=arguments.master,
        date=dates[0],
        active_since=arguments.active_since,
        alias=arguments.alias,
        version=version,
        version_folder=str(folder.resolve()),
        code_folder=str(overlay(folder, batch_settings.cache).resolve()),
        started=started,
        scored_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        max_bad_share=batch_settings.max_bad_share,
        batch_rows=batch_settings.rows,
        dates=dates if is_range else (),
    )


def _names_in(arguments: argparse.Namespace) -> Iterable[str]:
    """Return the names of what the input of a range of dates holds."""
    from lifecycle.batch import object_store

    if object_store.is_address(arguments.input) and arguments.engine == "local":
        return object_store.names_in(arguments.input.rstrip("/"))
    if not Path(arguments.input).is_dir():
        what = (
            "with --engine spark on this machine" if arguments.engine == "spark" else "with a subfolder for each date"
        )
        raise ConfigError(
            f"--input {arguments.input}: a range of dates needs a folder {what}; name one, or score one date at a time"
        )
    return os.listdir(arguments.input)


def validate(arguments: argparse.Namespace) -> int:
    """Validate a table against contract.yaml and print every check that fails."""
    if arguments.engine == "local":
        return pipeline_commands.validate(arguments)
    from lifecycle.batch.spark import contract_checks, java
    from lifecycle.core import config, contract

    java.configure()
    params = config.load()
    path = arguments.path or str(params.data.raw)
    schema = contract.load(config.CONTRACT, params.package)
    return pipeline_commands.print_checks(path, contract_checks.report(path, arguments.master, schema, params))


def _column_and_date(text: str) -> tuple[str, str]:
    column, _, date = text.rpartition("=")
    if not column:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form COLUMN=DATE")
    return column, _date(date).isoformat()


def _dates(text: str) -> tuple[datetime.date, datetime.date | None]:
    """Return a date and None, or the first and the last of a range."""
    first, separator, last = text.partition("..")
    dates = _date(first), _date(last) if separator else None
    if dates[1] and not dates[0] <= dates[1] < dates[0] + datetime.timedelta(days=MAX_DATES):
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of 1 to {MAX_DATES:,} dates, the first one first")
    return dates


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from None


def _add_engine(verb: Any, local: str, spark: str) -> None:
    """Add the options that choose the engine; the texts say what each engine reads."""
    verb.add_argument(
        "--engine", choices=ENGINES, default="local", help=f"local reads {local}; spark also {spark} (default: local)"
    )
    verb.add_argument("--master", metavar="URL", help="Spark master, with --engine spark (default: local[*])")


def add_to(verbs: Any) -> None:
    """Add `score` to the command line, and the engine to `validate`."""
    verb = verbs.choices["validate"]
    verb.description = validate.__doc__
    _add_engine(verb, "a CSV or Parquet file", "a folder of them, an address or DATABASE.TABLE")
    verb.set_defaults(run=validate)

    verb = verbs.add_parser("score", help="score every row of a table", description=score.__doc__)
    verb.add_argument("--input", required=True, metavar="TABLE", help="Parquet or CSV, a file or a folder")
    verb.add_argument(
        "--output", required=True, metavar="FOLDER", help="gets one partition per date; beside it, the quarantine"
    )
    _add_engine(verb, "files and folders, here or in a store", "DATABASE.TABLE, and writes to it")
    verb.add_argument(
        "--as-of",
        type=_dates,
        default=(datetime.datetime.now(datetime.UTC).date(), None),
        metavar="DATE",
        help="the date of the output's partition (default: today in UTC); "
        "FIRST..LAST scores each date of a range from its own folder in the input, such as date=2026-01-31",
    )
    verb.add_argument(
        "--active-since", type=_column_and_date, metavar="COLUMN=DATE", help="skip rows whose COLUMN is before DATE"
    )
    verb.add_argument(
        "--alias",
        choices=("candidate", "staging", "production"),
        default="production",
        help="which version to score with (default: %(default)s)",
    )
    verb.set_defaults(run=score)
