"""The command `search`."""

import argparse
from typing import Any


def search(arguments: argparse.Namespace) -> int:
    """Try parameters of the estimator as search.yaml says, write the best into params.yaml, and run the pipeline with them. Run it
    again to go on: what was tried is kept until the data, the code or search.yaml change."""
    from lifecycle.search.search import search

    search(arguments.trials, arguments.jobs, lambda line: print(line, flush=True))
    return 0


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    command = commands.add_parser("search", help="look for better parameters", description=search.__doc__)
    command.add_argument(
        "--trials", type=_positive, required=True, metavar="N", help="how many trials there shall be in the end"
    )
    command.add_argument(
        "--jobs", type=_positive, metavar="N", help="how many to run at a time (default: one for each core)"
    )
    command.set_defaults(run=search)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


_positive.__name__ = "positive integer"  # as argparse names it
