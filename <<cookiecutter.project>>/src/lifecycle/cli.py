"""One verb for each thing a person does; what `dvc repro` does is in dvc.yaml."""

import argparse
import io
import os
import sys
from pathlib import Path

from lifecycle.batch import commands as batch_commands
from lifecycle.core.errors import DataError, ProjectError, exit_with
from lifecycle.monitoring import commands as monitoring_commands
from lifecycle.retraining import commands as retrain_command
from lifecycle.registry import commands
from lifecycle.serving.rollout import commands as deploy_command
from lifecycle.serving import commands as serving_commands


def validate(arguments: argparse.Namespace) -> int:
    """Hold any file against the contract and print what it breaks."""
    from lifecycle.core import config
    from lifecycle.core.contract import describe, load
    from lifecycle.core.raw_table import read_raw
    from lifecycle.pipeline.validate import report

    params = config.load()
    schema = load(config.CONTRACT)
    path = arguments.path or str(params.data.raw)
    if arguments.engine == "spark":
        from lifecycle.batch.spark import contract_checks as contract_on_spark, java

        java.find()
        checks = contract_on_spark.report(path, arguments.master, schema, params)
    else:
        checks = report(read_raw(Path(path), schema), schema, params, Path(path))["checks"]
    failed = [record for record in checks if not record["passed"]]
    for record in failed:
        print(f"FAIL  {describe([record])}")
    print(f"{path}: {len(checks) - len(failed)} of {len(checks)} checks passed")
    return 1 if failed else 0


def contract(arguments: argparse.Namespace) -> int:
    """Print a first contract.yaml for a file: its types, ranges and categories as they are now, to be tightened."""
    import pandas as pd

    from lifecycle.pipeline.contract_draft import draft

    read = pd.read_parquet if arguments.path.suffix == ".parquet" else pd.read_csv
    try:
        frame = read(arguments.path)
    except (OSError, ValueError) as error:
        raise DataError(f"{arguments.path}: cannot be read: {error}") from None
    print(draft(frame), end="")
    return 0


def tracking_uri(arguments: argparse.Namespace) -> int:
    """Print the address of the MLflow store that `track` writes to."""
    from lifecycle.core import config, tracking

    print(tracking.tracking_uri(config.load()))
    return 0


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="<< cookiecutter.project >>",
        description="<< cookiecutter.description.rstrip('.') >>",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser("validate", help="hold a file against contract.yaml", description=validate.__doc__)
    verb.add_argument(
        "path",
        nargs="?",
        help="CSV or Parquet (default: data.raw of params.yaml); with Spark also a folder, an address or DATABASE.TABLE",
    )
    verb.add_argument("--engine", choices=("local", "spark"), default="local", help="(default: %(default)s)")
    verb.add_argument("--master", help="Spark's (default: local[*])")
    verb.set_defaults(run=validate)
    verb = verbs.add_parser("contract", help="draft contract.yaml for a file", description=contract.__doc__)
    verb.add_argument("path", type=Path, help="CSV or Parquet")
    verb.set_defaults(run=contract)
    verb = verbs.add_parser("tracking-uri", help="print where runs are tracked", description=tracking_uri.__doc__)
    verb.set_defaults(run=tracking_uri)
    commands.add_to(verbs)
    deploy_command.add_to(verbs)
    serving_commands.add_to(verbs)
    batch_commands.add_to(verbs)
    retrain_command.add_to(verbs)
    monitoring_commands.add_to(verbs)
    arguments = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # whatever the terminal can show
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:  # the reader, `head` for one, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except ProjectError as error:
        exit_with(error)
    except KeyboardInterrupt:
        sys.exit(130)
