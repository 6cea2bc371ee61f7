"""Commands beside `dvc repro`: validate a file, explain a prediction, show where runs are tracked, write environment.yaml."""

import argparse
from pathlib import Path
from typing import Any


def validate(arguments: argparse.Namespace) -> int:
    """Validate a file against contract.yaml and print every check that fails."""
    from lifecycle.core import config, contract
    from lifecycle.core.raw_table import read_raw
    from lifecycle.pipeline.validate import report

    params = config.load()
    schema = contract.load(config.CONTRACT, params.package)
    path = Path(arguments.path or params.data.raw)
    frame = read_raw(path, schema, params.data)
    return print_checks(str(path), report(frame, schema, params, path)["checks"])


def print_checks(path: str, checks: list[dict[str, Any]]) -> int:
    """Print the failed checks of a file and how many passed. Returns the exit code."""
    from lifecycle.core.contract import describe

    failed = [record for record in checks if not record["passed"]]
    for record in failed:
        print(f"FAIL  {describe([record])}")
    print(f"{path}: {len(checks) - len(failed)} of {len(checks)} checks passed")
    return 1 if failed else 0


def explain(arguments: argparse.Namespace) -> int:
    """Print how much each column contributes to the model's prediction for a test row."""
    from lifecycle.pipeline.row_explanation import explain_test_row

    print(explain_test_row(arguments.id))
    return 0


def tracking_uri(arguments: argparse.Namespace) -> int:
    """Print the address of the MLflow tracking store."""
    from lifecycle.core import config, tracking

    print(tracking.usable_uri(config.load()))
    return 0


def environment(arguments: argparse.Namespace) -> int:
    """Write environment.yaml of every model: the versions that results are computed with, from requirements.txt."""
    from lifecycle.core.home import NAME
    from lifecycle.core.model_folders import folder_of, names_here

    for home in [Path()] if NAME else [Path(), *map(folder_of, names_here())]:
        _write_environment(home)
    return 0


def _write_environment(home: Path) -> None:
    """Write the environment.yaml of a model and print what changes."""
    from lifecycle.core import package_versions
    from lifecycle.core.files import write_text

    path = home / package_versions.ENVIRONMENT
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    text = package_versions.text_of(package_versions.locked(home), package_versions.python_version(home))
    if text != before:
        write_text(text, path)
    old, new = package_versions.versions_in(before), package_versions.versions_in(text)
    for name in sorted(name for name in old | new if old.get(name) != new.get(name)):
        print(f"{path}: {name} {old.get(name, '(new)')} → {new.get(name, '(gone)')}")


def add_to(commands: Any) -> None:
    """Add these commands to the command line."""
    command = commands.add_parser(
        "validate", help="validate a file against contract.yaml", description=validate.__doc__
    )
    command.add_argument("path", nargs="?", help="CSV or Parquet (default: data.raw of params.yaml)")
    command.set_defaults(run=validate)
    command = commands.add_parser("explain", help="explain the prediction for a test row", description=explain.__doc__)
    command.add_argument("id", metavar="ID", help="of the row, in the column that data.id names")
    command.set_defaults(run=explain)
    command = commands.add_parser(
        "tracking-uri", help="print the address of the MLflow tracking store", description=tracking_uri.__doc__
    )
    command.set_defaults(run=tracking_uri)
    command = commands.add_parser(
        "environment", help="write environment.yaml from requirements.txt", description=environment.__doc__
    )
    command.set_defaults(run=environment)
