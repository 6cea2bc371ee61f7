"""The command `resolve`."""

import argparse
from typing import Any


def resolve(arguments: argparse.Namespace) -> int:
    """Finish a merge, rebase or cherry-pick of branches that both retrained: take one side's generated files, run the pipeline on
    what was merged, and stage the results. Real conflicts are listed, and left to you; run it again when they are resolved."""
    from lifecycle.core.model_folders import require_top
    from lifecycle.resolve.resolve import resolve

    require_top()
    resolve(arguments.data, lambda line: print(line, flush=True))
    return 0


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    command = commands.add_parser(
        "resolve", help="finish a merge or rebase of branches that both retrained", description=resolve.__doc__
    )
    command.add_argument(
        "--data",
        choices=["ours", "theirs", "both"],
        help="the version of the data to take where .dvc files conflict; both: the rows that either side has appended",
    )
    command.set_defaults(run=resolve)
