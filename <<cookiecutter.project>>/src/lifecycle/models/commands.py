"""The commands `model add`, `model pipeline` and `model list`."""

import argparse
from typing import Any


def add(arguments: argparse.Namespace) -> int:
    """Add a model in models/NAME: a copy of the settings at the top, with a pipeline, results and a name in MLflow of its own."""
    from lifecycle.core.model_folders import require_top
    from lifecycle.models.new_model import add

    require_top()
    folder = add(arguments.name, arguments.package)
    print(f"added {folder}: as the model at the top, with its table")
    print(f"1. edit {folder}/params.yaml (the target, the estimator) and {folder}/contract.yaml")
    print(
        f"   for another table: git add and commit {folder}, then adopt PATH --target COLUMN --model {arguments.name}"
    )
    print(
        f"2. make repro MODEL={arguments.name}, then --model {arguments.name} gate propose, which writes {folder}/gates.yaml"
    )
    print(f"3. git add {folder}{f' src/{arguments.package}' if arguments.package else ''}, and commit")
    return 0


def pipeline(arguments: argparse.Namespace) -> int:
    """Write dvc.yaml of every model in models/ from the one at the top, after that has changed."""
    from lifecycle.core.model_folders import folder_of, names_here, require_top
    from lifecycle.models.new_model import PIPELINE, write_pipeline

    require_top()
    for name in names_here():
        changed = write_pipeline(name)
        print(f"{folder_of(name) / PIPELINE}: {'written' if changed else 'unchanged'}")
    return 0


def list_models(arguments: argparse.Namespace) -> int:
    """Print the models of this repo: folder, package, task, target, table and name in MLflow."""
    from lifecycle.core import config
    from lifecycle.core.model_folders import TOP, folder_of, names_here, require_top, title
    from lifecycle.core.tables import text_table

    require_top()
    rows = []
    for name in (TOP, *names_here()):
        params = config.load(folder_of(name) / config.PARAMS)
        rows.append(
            [title(name), params.package, params.task, params.data.target, str(params.data.raw), params.track.model]
        )
    print(text_table(["model", "package", "task", "target", "table", "in MLflow"], rows))
    return 0


def add_to(commands: Any) -> None:
    """Add these commands to the command line."""
    command = commands.add_parser(
        "model", help="add or list models in this repo", description="Several models in one repo."
    )
    nested = command.add_subparsers(required=True, metavar="COMMAND")
    add_command = nested.add_parser("add", help="add a model in models/NAME", description=add.__doc__)
    add_command.add_argument("name", metavar="NAME", help="small letters, digits and hyphens")
    add_command.add_argument(
        "--package",
        metavar="PACKAGE",
        help="its own code, in src/PACKAGE: copied from the package at the top if it is not there (default: that package itself)",
    )
    add_command.set_defaults(run=add)
    nested.add_parser(
        "pipeline", help="write dvc.yaml of the models from the one at the top", description=pipeline.__doc__
    ).set_defaults(run=pipeline)
    nested.add_parser("list", help="print the models", description=list_models.__doc__).set_defaults(run=list_models)
