"""The command `forget`."""

import argparse
from pathlib import Path
from typing import Any

from lifecycle.prediction_log.commands import add_log_option


def forget(arguments: argparse.Namespace) -> int:
    """Take a row out of the prediction log with its labels, of tables of scores and of the dataset, and say what git and DVC still hold.

    Their history stays as it is: the commands that remove what is left are printed, not run.
    """
    from lifecycle.core.errors import ConfigError
    from lifecycle.forget.forget import forget
    from lifecycle.prediction_log import settings

    log = None
    try:
        log = settings.location(arguments.log)
    except ConfigError as error:
        if arguments.log:
            raise
        print(f"forget: the prediction log was not looked through: {error}", flush=True)
    for line in forget(arguments.id, settings.folder(arguments.log) if log else None, arguments.scores):
        print(f"forget: {line}", flush=True)
    return 0


def add_to(verbs: Any) -> None:
    """Add this command to the command line."""
    verb = verbs.add_parser("forget", help="remove a row by its id everywhere", description=forget.__doc__)
    verb.add_argument("id", metavar="ID", help="of the row, or of a request")
    add_log_option(verb)
    verb.add_argument(
        "--scores",
        metavar="PATH",
        type=Path,
        action="append",
        default=[],
        help="table or folder of tables; may be repeated",
    )
    verb.set_defaults(run=forget)
