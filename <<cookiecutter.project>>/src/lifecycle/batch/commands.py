"""Commands for whole tables."""

import argparse
import datetime
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.pipeline import commands as pipeline_commands

if TYPE_CHECKING:
    from lifecycle.batch.job import Job


def score(arguments: argparse.Namespace) -> int:
    """Score every row of a table with the version that has an alias."""
    job = prepared(arguments)
    # This process becomes the one that scores: nothing that the registry needed stays in memory, and whoever stops the
    # one stops the other.
    sys.stdout.flush()
    path = os.pathsep.join([job.code, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    command = [sys.executable, "-P", "-m", "lifecycle.batch.process", job.to_json()]
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": path})


def prepared(arguments: argparse.Namespace) -> "Job":
    """Return what is to be done, once the version is here. Raises RefusedError if none has the alias."""
    began = time.time()
    from lifecycle.batch import settings
    from lifecycle.batch.input_files import parts
    from lifecycle.batch.job import Job
    from lifecycle.batch.overlay import overlay
    from lifecycle.batch.spark import java
    from lifecycle.core import config
    from lifecycle.core.tracking import store
    from lifecycle.registry import aliases
    from lifecycle.registry import version_cache as artifacts

    if arguments.engine == "spark":
        java.find()
    batch, params = settings.load(), config.load()
    if arguments.engine == "local":
        parts(arguments.input)  # is there anything to be scored?
    if Path(arguments.output).name in ("", ".."):
        raise ConfigError(f"--output {arguments.output}: name a folder; its quarantine stands beside it")
    with store(params, "nothing was scored") as client:
        held = aliases.held(client, params.track.model)
        version = held.aliases.get(arguments.alias) if held else None
        if version is None:
            raise RefusedError(f"no version of {params.track.model} is {arguments.alias}: promote one, then score")
        folder = artifacts.fetch(client, params.track.model, version, batch.cache)
        artifacts.prune(batch.cache, {folder})
    return Job(
        input=arguments.input,
        output=arguments.output.rstrip("/") or arguments.output,
        engine=arguments.engine,
        master=arguments.master,
        date=arguments.as_of.isoformat(),
        active_since=arguments.active_since,
        alias=arguments.alias,
        version=version,
        folder=str(folder.resolve()),
        code=str(overlay(folder, batch.cache).resolve()),
        began=began,
        scored_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        max_bad_share=batch.max_bad_share,
        rows=batch.rows,
    )


def validate(arguments: argparse.Namespace) -> int:
    """Validate a file against the contract and print every check that fails."""
    if arguments.engine == "local":
        return pipeline_commands.validate(arguments)
    from lifecycle.batch.spark import contract_checks, java
    from lifecycle.core import config, contract

    java.find()
    params = config.load()
    path = arguments.path or str(params.data.raw)
    schema = contract.load(config.CONTRACT, params.package)
    return pipeline_commands.print_checks(path, contract_checks.report(path, arguments.master, schema, params))


def _since(text: str) -> tuple[str, str]:
    column, _, date = text.rpartition("=")
    if not column:
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN=DATE")
    return column, _date(date).isoformat()


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date: write it as 2026-01-31") from None


def add_to(verbs: Any) -> None:
    """Add `score` to the command line, and the engine to `validate`."""
    verb = verbs.choices["validate"]
    verb.add_argument(
        "--engine",
        choices=("local", "spark"),
        default="local",
        help="with spark, PATH may also be a folder, an address or DATABASE.TABLE (default: %(default)s)",
    )
    verb.add_argument("--master", help="Spark's (default: local[*])")
    verb.set_defaults(run=validate)
    verb = verbs.add_parser("score", help="score a whole table", description=score.__doc__)
    verb.add_argument(
        "--input", required=True, help="Parquet or CSV, a file or a folder; with Spark also DATABASE.TABLE"
    )
    verb.add_argument("--output", required=True, help="a folder; with Spark also DATABASE.TABLE")
    verb.add_argument("--engine", choices=("local", "spark"), default="local", help="(default: %(default)s)")
    verb.add_argument("--master", help="Spark's (default: local[*])")
    verb.add_argument(
        "--as-of",
        type=_date,
        default=datetime.datetime.now(datetime.UTC).date(),
        metavar="DATE",
        help="the date that the output is of (default: today, UTC)",
    )
    verb.add_argument(
        "--active-since", type=_since, metavar="COLUMN=DATE", help="leave out rows whose COLUMN is before DATE"
    )
    verb.add_argument("--alias", choices=("candidate", "staging", "production"), default="production")
    verb.set_defaults(run=score)
