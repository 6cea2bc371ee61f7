"""Command `score`, and `validate --engine spark`."""

import argparse
import datetime
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifecycle.batch import date_arguments
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.pipeline import commands as pipeline_commands

if TYPE_CHECKING:
    from lifecycle.batch.job import Job
    from lifecycle.core.config import Params

ENGINES = ("local", "spark")
ALIASES = ("candidate", "staging", "production", "canary", "shadow")


def score(arguments: argparse.Namespace) -> int:
    """Score every row of a table with the version of the model that has an alias."""
    from lifecycle.batch import beside, launch

    if other := arguments.beside:
        beside.check(arguments.alias, other, arguments.output)
    job = make_job(arguments)
    if other:
        return beside.score(job, job_beside(job, other), other)
    return launch.run(job) if launch.uses_store(job) else launch.become(job)


def make_job(arguments: argparse.Namespace) -> "Job":
    """Fetch the version and return what the run has to do. Raises RefusedError if no version has the alias."""
    started = time.time()
    from lifecycle.batch import object_store, settings
    from lifecycle.batch.date_folders import dated_folders, days
    from lifecycle.batch.input_files import input_files
    from lifecycle.batch.job import Job
    from lifecycle.batch.spark import java
    from lifecycle.core import config, package_versions

    package_versions.check()
    batch_settings, params = settings.load(), config.load()
    if arguments.engine == "spark":
        java.configure()
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
    version = _version(params, arguments.alias, batch_settings.cache)
    if version is None:
        raise RefusedError(f"no version of {params.track.model} is in {arguments.alias}: promote one, then score")
    return Job(
        input=arguments.input.rstrip("/") or arguments.input,
        output=arguments.output.rstrip("/") or arguments.output,
        engine=arguments.engine,
        master=arguments.master,
        date=dates[0],
        active_since=arguments.active_since,
        alias=arguments.alias,
        **version,
        started=started,
        scored_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        max_bad_share=batch_settings.max_bad_share,
        batch_rows=batch_settings.rows,
        dates=dates if is_range else (),
        spark_conf=batch_settings.spark.session_conf(),
    )


def job_beside(job: "Job", alias: str) -> "Job | None":
    """Fetch the version that has another alias and return the job that scores the same with it, or None if there is none."""
    from lifecycle.batch import beside, settings
    from lifecycle.core import config

    version = _version(config.load(), alias, settings.load().cache)
    return replace(job, alias=alias, output=beside.output_of(job.output, alias), **version) if version else None


def _version(params: "Params", alias: str, cache: Path) -> dict[str, Any] | None:
    """Fetch the version that has an alias; return what a job says of it."""
    from lifecycle.batch.overlay import overlay
    from lifecycle.registry import version_cache

    fetched = version_cache.fetch_by_alias(params, alias, cache)
    if fetched is None:
        return None
    code = overlay(fetched[1], cache)
    return {"version": fetched[0], "version_folder": str(fetched[1].resolve()), "code_folder": str(code.resolve())}


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
    from lifecycle.batch import settings
    from lifecycle.batch.spark import contract_checks, java
    from lifecycle.core import config, contract

    java.configure()
    params = config.load()
    path = arguments.path or str(params.data.raw)
    schema = contract.load(config.CONTRACT, params.package)
    conf = settings.load().spark.session_conf()
    return pipeline_commands.print_checks(path, contract_checks.report(path, arguments.master, conf, schema, params))


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
        type=date_arguments.dates,
        default=(datetime.datetime.now(datetime.UTC).date(), None),
        metavar="DATE",
        help="the date of the output's partition (default: today in UTC); "
        "FIRST..LAST scores each date of a range from its own folder in the input, such as date=2026-01-31",
    )
    verb.add_argument(
        "--active-since",
        type=date_arguments.column_and_date,
        metavar="COLUMN=DATE",
        help="skip rows whose COLUMN is before DATE",
    )
    verb.add_argument(
        "--alias",
        choices=ALIASES,
        default="production",
        help="which version to score with (default: %(default)s)",
    )
    verb.add_argument(
        "--beside",
        choices=ALIASES,
        help="also score with the version that has this alias, into FOLDER_<alias>, and say how far the two are apart",
    )
    verb.set_defaults(run=score)
