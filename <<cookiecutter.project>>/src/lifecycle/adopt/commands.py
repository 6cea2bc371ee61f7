"""Commands that make the repo about the user's table."""

import argparse
import json
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ConfigError, ProjectError

PENDING = Path(".dvc/tmp/adopt.json")
"""The answers `data` and `target`, until `make setup` has made the repo about them."""


def adopt(arguments: argparse.Namespace) -> int:
    """Make this repo about a table: read it, decide what it is, write params.yaml and contract.yaml, train a first model, propose
    limits for the gate, and commit. Prints every decision; each can be given as an option instead."""
    from lifecycle.adopt.adopt import adopt, ladder, linear_is_better
    from lifecycle.adopt.plan import Options, decide
    from lifecycle.core import config

    path, target = arguments.path, arguments.target
    if path is None and PENDING.exists():
        pending = json.loads(PENDING.read_text(encoding="utf-8"))
        path, target = Path(pending["data"]), target or pending["target"]
    if path is None or target is None:
        raise ConfigError("name the table and its target: adopt PATH --target COLUMN")
    if malformed := [text for text in arguments.date_format if "=" not in text]:
        raise ConfigError(f"--date-format {malformed[0]}: write COLUMN=FORMAT, such as signed_up=%d.%m.%Y")
    options = Options(
        target,
        arguments.id,
        arguments.task,
        arguments.positive,
        arguments.time,
        arguments.gap,
        arguments.keep,
        arguments.exclude,
        dict(text.rsplit("=", 1) for text in arguments.date_format),
    )
    if arguments.dry_run:
        for topic, decision in decide(path.expanduser(), options, config.load().seed).decisions:
            print(f"  {topic:<9} {decision}")
        return 0
    try:
        commit = adopt(path.expanduser(), options, arguments.description, lambda line: print(line, flush=True))
    except ProjectError as error:
        if arguments.path:
            raise
        again = "`source .venv/bin/activate`, and adopt PATH --target COLUMN, with options if need be"
        raise type(error)(f"{error}; then {again}") from None
    PENDING.unlink(missing_ok=True)
    print(ladder())
    if better := linear_is_better():
        print(better)
    print(f"\ncommitted as {commit[:9]}: from now on every change is compared with this model")
    print(
        "next: read contract.yaml and gates.yaml; docs/your-own-data.md says what only you can know; `dvc push` uploads the data"
    )
    return 0


def contract(arguments: argparse.Namespace) -> int:
    """Print a contract.yaml for a file: its types, ranges and categories, with room for new rows."""
    from lifecycle.adopt import columns, raw_file
    from lifecycle.adopt.contract_draft import draft
    from lifecycle.core import config

    table = raw_file.read(arguments.path)
    described = {name: columns.describe(name, values) for name, values in table.columns.items()}
    print(draft(described, None, None, config.load().package), end="")
    return 0


def add_to(commands: Any) -> None:
    """Add these commands to the command line."""
    command = commands.add_parser("adopt", help="make this repo about a table of yours", description=adopt.__doc__)
    command.add_argument(
        "path", nargs="?", type=Path, help="CSV (also .gz, .bz2, .zst, .zip) or Parquet (a file or a folder of parts)"
    )
    command.add_argument("--target", metavar="COLUMN", help="the column to predict")
    command.add_argument(
        "--id", metavar="COLUMN", help="the column that identifies a row, or whose rows belong together"
    )
    command.add_argument("--task", choices=["binary", "multiclass", "regression"], help="the kind of problem")
    command.add_argument("--positive", metavar="VALUE", help="the class whose probability is predicted")
    command.add_argument("--time", metavar="COLUMN", help="split by this date: train on the past, test on what follows")
    command.add_argument(
        "--gap",
        metavar="DAYS",
        type=int,
        default=0,
        help="days until a target is known: rows so long before validation and test are left out",
    )
    command.add_argument(
        "--keep",
        metavar="COLUMN",
        action="append",
        default=[],
        help="give the model this column though it would be left out",
    )
    command.add_argument(
        "--exclude", metavar="COLUMN", action="append", default=[], help="do not give the model this column"
    )
    command.add_argument(
        "--date-format",
        metavar="COLUMN=FORMAT",
        action="append",
        default=[],
        help="how dates are written, as in %%d.%%m.%%Y",
    )
    command.add_argument("--description", metavar="TEXT", help="what the model is for, a sentence")
    command.add_argument("--dry-run", action="store_true", help="print the decisions and change nothing")
    command.set_defaults(run=adopt)
    command = commands.add_parser("contract", help="draft a contract.yaml for a file", description=contract.__doc__)
    command.add_argument("path", type=Path, help="CSV or Parquet")
    command.set_defaults(run=contract)
