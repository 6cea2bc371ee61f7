"""One verb for each thing a person does; what `dvc repro` does is in dvc.yaml."""

import argparse
import sys
from pathlib import Path

from << cookiecutter.package >>.errors import ProjectError, exit_with


def validate(arguments: argparse.Namespace) -> int:
    """Hold any file against the contract and print what it breaks."""
    from << cookiecutter.package >> import config, contract
    from << cookiecutter.package >>.stages.data import read_raw
    from << cookiecutter.package >>.stages.validate import report

    params = config.load()
    schema = contract.load(config.CONTRACT)
    path = arguments.path or params.data.raw
    checks = report(read_raw(path, schema), schema, params, path)["checks"]
    failed = [record for record in checks if not record["passed"]]
    for record in failed:
        print(f"FAIL  {contract.describe([record])}")
    print(f"{path}: {len(checks) - len(failed)} of {len(checks)} checks passed")
    return 1 if failed else 0


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="<< cookiecutter.project >>",
        description="<< cookiecutter.description >>",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser("validate", help="hold a file against contract.yaml", description=validate.__doc__)
    verb.add_argument("path", nargs="?", type=Path, help="CSV or Parquet (default: data.raw of params.yaml)")
    verb.set_defaults(run=validate)
    arguments = parser.parse_args(argv)
    try:
        sys.exit(arguments.run(arguments))
    except ProjectError as error:
        exit_with(error)
