"""Command `score`, and `validate --engine spark`."""

import argparse
import datetime
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.pipeline import commands as pipeline_commands

if TYPE_CHECKING:
    from lifecycle.batch.job import Job

ENGINES = ("local", "spark")


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
    from lifecycle.batch.input_files import input_files
    from lifecycle.batch.job import Job
    from lifecycle.batch.overlay import overlay
    from lifecycle.batch.spark import java
    from lifecycle.core import config, package_versions
    from lifecycle.registry import alias_version

    package_versions.check()
    if arguments.engine == "spark":
        java.configure()
    batch_settings, params = settings.load(), config.load()
    if arguments.engine == "local":  # fail before anything is fetched
        if not object_store.is_address(arguments.input):
            input_files(arguments.input)
        object_store.check(arguments.input.rstrip("/"), arguments.output.rstrip("/"), arguments.as_of.isoformat())
    if Path(arguments.output).name in ("", ".."):
        raise ConfigError(f"--output {arguments.output}: name a folder, beside which the quarantine can be written")
    fetched = alias_version.fetch(params, arguments.alias, batch_settings.cache)
    if fetched is None:
        raise RefusedError(f"no version of {params.track.model} is in {arguments.alias}: promote one, then score")
    version, folder = fetched
    return Job(
        input=arguments.input.rstrip("/") or arguments.input,
        output=arguments.output.rstrip("/") or arguments.output,
        engine=arguments.engine,
        master=arguments.master,
        date=arguments.as_of.isoformat(),
        active_since=arguments.active_since,
        alias=arguments.alias,
        version=version,
        version_folder=str(folder.resolve()),
        code_folder=str(overlay(folder, batch_settings.cache).resolve()),
        started=started,
        scored_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        max_bad_share=batch_settings.max_bad_share,
        batch_rows=batch_settings.rows,
    )


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
        type=_date,
        default=datetime.datetime.now(datetime.UTC).date(),
        metavar="DATE",
        help="the date of the output's partition (default: today in UTC)",
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
