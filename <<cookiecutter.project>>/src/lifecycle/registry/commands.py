"""Commands that take a model from a commit to production and back."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from lifecycle.registry.connection import moved, number, registry


def register(arguments: argparse.Namespace) -> int:
    """Make the model in models/ a version, with the alias candidate, if the gate has passed it with this dvc.lock."""
    from lifecycle.registry.registration import register

    with registry() as (client, model, params):
        version, new = register(client, params)
        print(f"register: version {version} of {model} is {'candidate' if new else 'registered already'}")
    return 0


def promote(arguments: argparse.Namespace) -> int:
    """Move a version on: the candidate to staging, or what has passed the checks of staging to production."""
    from lifecycle.registry.moves import checked_reason, promote

    checked_reason(arguments.reason)  # before anything is connected to
    with registry() as (client, model, _):
        version = number(client, model, arguments.version)
        moved("promote", promote(client, model, arguments.to, version, arguments.reason))
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Fetch the version in staging from MLflow, as a server would, and hold its answers against those of evaluate."""
    from lifecycle.registry.staging_checks import check

    with registry() as (client, model, _):
        version, outcome, good = check(client, model)
    print(f"check: version {version} {'has passed' if good else 'has failed'}: {outcome}")
    return 0 if good else 1


def rollback(arguments: argparse.Namespace) -> int:
    """Put the version that was in production before, or any that has been there, back into production."""
    from lifecycle.registry.moves import checked_reason, rollback

    checked_reason(arguments.reason)
    with registry() as (client, model, _):
        moved("rollback", rollback(client, model, number(client, model, arguments.to), arguments.reason))
    return 0


def history(arguments: argparse.Namespace) -> int:
    """Print the ledger: every move, or the one by which a version was in production at a time."""
    from lifecycle.registry import ledger
    from lifecycle.registry.history import at, moment, table

    when = None if arguments.at is None else moment(arguments.at)
    with registry() as (client, model, _):
        moves = ledger.history(client, model)
    if when:
        move = at(moves, when)
        moves = [move] if move else []
    if arguments.json:
        print(json.dumps([asdict(move) for move in moves], indent=2))
    elif moves:
        print(table(moves))
    else:
        print(
            f"history: no version of {model} was in production then" if when else f"history: {model} has not moved yet"
        )
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Print what a version is made of, and the commands that bring it back."""
    from lifecycle.registry.lineage import describe, version_of

    with registry() as (client, model, _):
        print(describe(client, model, version_of(client, model, arguments.which)))
    return 0


def add_to(verbs: Any) -> None:
    """Add these verbs to the command line."""
    verb = verbs.add_parser("register", help="make the model a version, the candidate", description=register.__doc__)
    verb.set_defaults(run=register)
    verb = verbs.add_parser("promote", help="move a version to staging or production", description=promote.__doc__)
    verb.add_argument("--to", required=True, choices=("staging", "production"))
    verb.add_argument(
        "--version", metavar="WHICH", help="only if it is this one: a number, or the git revision it was made at"
    )
    verb.add_argument("--reason", required=True, metavar="TEXT", help="for the ledger")
    verb.set_defaults(run=promote)
    verb = verbs.add_parser("check", help="try the version in staging", description=check.__doc__)
    verb.set_defaults(run=check)
    verb = verbs.add_parser(
        "rollback", help="put the previous version back into production", description=rollback.__doc__
    )
    verb.add_argument(
        "--to", metavar="WHICH", help="a version's number or git revision (default: the one before the present one)"
    )
    verb.add_argument("--reason", required=True, metavar="TEXT", help="for the ledger")
    verb.set_defaults(run=rollback)
    verb = verbs.add_parser("history", help="print who moved which version when and why", description=history.__doc__)
    verb.add_argument("--at", metavar="TIME", help="only what was in production then: a date (its end) or a time, UTC")
    verb.add_argument("--json", action="store_true", help="everything that is known of each move")
    verb.set_defaults(run=history)
    verb = verbs.add_parser("show", help="print what a version is made of", description=show.__doc__)
    verb.add_argument("which", metavar="WHICH", help="a version's number, an alias, or the git revision it was made at")
    verb.set_defaults(run=show)
