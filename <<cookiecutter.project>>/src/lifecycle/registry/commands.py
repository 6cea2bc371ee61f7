"""Commands that take a model from a commit to production and back."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from lifecycle.registry.connection import connected, describe_move, version_number


def register(arguments: argparse.Namespace) -> int:
    """Make the model in models/ a version with the alias candidate. The gate must have passed it, with this dvc.lock and this code."""
    from lifecycle.registry.registration import register

    with connected() as (client, model, params):
        version, new = register(client, params)
    print(f"register: version {version} of {model} is {'the candidate' if new else 'already registered'}")
    return 0


def promote(arguments: argparse.Namespace) -> int:
    """Move a version one step on: the candidate to staging, or the version in staging to production if it has passed its checks."""
    from lifecycle.registry.moves import checked_reason, promote

    checked_reason(arguments.reason)  # before connecting, which takes seconds
    with connected(registry_only=True) as (client, model, _):
        version = version_number(client, model, arguments.version)
        move = promote(client, model, arguments.to, version, arguments.reason)
        line = describe_move(move, client, model, arguments.to)
    print(f"promote: {line}")
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Load the version in staging from MLflow, as a server would, and compare its answers with the predictions of evaluate."""
    from lifecycle.registry.staging_checks import check

    with connected() as (client, model, _):
        version, outcome, good = check(client, model)
    print(f"check: version {version} {'has passed' if good else 'has failed'}: {outcome}")
    return 0 if good else 1


def rollback(arguments: argparse.Namespace) -> int:
    """Put the previous version, or any earlier one, back into production. Repeated, it changes nothing."""
    from lifecycle.registry import ledger
    from lifecycle.registry.aliases import PRODUCTION
    from lifecycle.registry.moves import checked_reason
    from lifecycle.registry.rollback import rollback

    checked_reason(arguments.reason)
    with connected(registry_only=True) as (client, model, _):
        last = ledger.head(client, model)
        move = rollback(client, model, version_number(client, model, arguments.to), arguments.reason)
        line = describe_move(move, client, model, PRODUCTION)
    if move and last and move.number <= last.number:
        line += f": done before, at {move.when}"
    print(f"rollback: {line}")
    return 0


def history(arguments: argparse.Namespace) -> int:
    """Print every move of a version, or the one that put a version into production by a given time."""
    from lifecycle.registry import ledger
    from lifecycle.registry.history import at, parse_time, table

    when = None if arguments.at is None else parse_time(arguments.at)
    with connected(registry_only=True) as (client, model, _):
        moves = ledger.history(client, model)
    if when:
        move = at(moves, when)
        moves = [move] if move else []
    if arguments.json:
        print(json.dumps([asdict(move) for move in moves], indent=2))
    elif moves:
        print(table(moves))
    elif when:
        print(f"history: no version of {model} was in production then")
    else:
        print(f"history: no version of {model} has moved yet")
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Print what a version was made from, and the commands that restore it."""
    from lifecycle.registry.lineage import describe, version_of

    with connected(registry_only=True) as (client, model, _):
        text = describe(client, model, version_of(client, model, arguments.which))
    print(text)
    return 0


def add_to(verbs: Any) -> None:
    """Add these verbs to the command line."""
    verb = verbs.add_parser("register", help="make the model a version, the candidate", description=register.__doc__)
    verb.set_defaults(run=register)
    verb = verbs.add_parser("promote", help="move a version to staging or production", description=promote.__doc__)
    verb.add_argument("--to", required=True, choices=("staging", "production"))
    verb.add_argument(
        "--version", metavar="WHICH", help="promote only this version: its number, or the git revision it was made at"
    )
    verb.add_argument("--reason", required=True, metavar="TEXT", help="recorded in the history")
    verb.set_defaults(run=promote)
    verb = verbs.add_parser("check", help="try the version in staging", description=check.__doc__)
    verb.set_defaults(run=check)
    verb = verbs.add_parser(
        "rollback", help="put the previous version back into production", description=rollback.__doc__
    )
    verb.add_argument(
        "--to", metavar="WHICH", help="a version's number or git revision (default: the version that was there before)"
    )
    verb.add_argument("--reason", required=True, metavar="TEXT", help="recorded in the history")
    verb.set_defaults(run=rollback)
    verb = verbs.add_parser("history", help="print who moved which version, when and why", description=history.__doc__)
    verb.add_argument(
        "--at", metavar="TIME", help="only what was in production at a time, or at the end of a date, UTC"
    )
    verb.add_argument("--json", action="store_true", help="print all that is recorded of each move, as JSON")
    verb.set_defaults(run=history)
    verb = verbs.add_parser("show", help="print what a version was made from", description=show.__doc__)
    verb.add_argument("which", metavar="WHICH", help="a version's number, an alias, or the git revision it was made at")
    verb.set_defaults(run=show)
