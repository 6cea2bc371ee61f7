"""The command `deploy`: what a person, or a workflow, runs to bring a version to the servers of an environment."""

import argparse
import signal
from typing import TYPE_CHECKING, Any

from lifecycle.core.errors import ConfigError

if TYPE_CHECKING:
    from lifecycle.serving.client import Client
    from lifecycle.serving.rollout.environment import Environment


def deploy(arguments: argparse.Namespace) -> int:
    """Roll a version out to the servers of an environment: move its alias, wait until they serve it, check their predictions.

    Exit code 0 if that worked, 1 if it failed and was reverted, 2 if there is no verdict on the canary yet.
    """
    from lifecycle.serving import settings
    from lifecycle.serving.rollout.environment import Environment

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # reverts what is under way, as Ctrl-C does
    serving = settings.load()
    environments = [Environment(name, serving) for name in ("staging", "production")]
    if arguments.action == "status":
        return status(environments)
    if arguments.action == "stop":
        return stop([environment for environment in environments if arguments.env in (None, environment.name)])
    if arguments.action == "abort":
        return abort(arguments.reason or "aborted by hand")
    return roll_out(arguments, {environment.name: environment for environment in environments}, serving.canary.percent)


def roll_out(arguments: argparse.Namespace, environments: dict[str, "Environment"], percent: int) -> int:
    """Start the deployment that the arguments describe, or continue it. Returns 2 if there is no verdict yet."""
    from lifecycle.registry.connection import connected, version_number
    from lifecycle.registry.moves import checked_reason
    from lifecycle.serving.rollout import deploy
    from lifecycle.serving.rollout.canary_watch import report

    if arguments.env is None:
        raise ConfigError("--env is missing: deploy --env staging or --env production; or deploy status, abort or stop")
    if arguments.env == "staging" and (arguments.canary or arguments.shadow):
        raise ConfigError("--canary and --shadow need --env production: they run beside the version there")
    environment, reason = environments[arguments.env], checked_reason(arguments.reason or f"deploy to {arguments.env}")
    version = None
    if arguments.version:
        with connected() as (client, model, _):
            version = version_number(client, model, arguments.version)
    if arguments.env == "staging":
        deploy.to_staging(environment, version, reason)
    elif arguments.shadow:
        deploy.to_shadow(environment, version, reason, arguments.replace)
    elif verdict := deploy.to_production(environment, version, arguments.canary or percent, reason, arguments.replace):
        reasons = "; ".join(verdict.reasons)
        report(
            f"no verdict yet: {reasons}; the canary keeps running: run this again to go on, or deploy abort to end it"
        )
        return 2
    return 0


def stop(environments: list["Environment"]) -> int:
    """Stop the servers that deploy has started."""
    stopped = sum(environment.stop() for environment in environments)
    print(f"deploy: stopped {stopped} server{'s' * (stopped != 1)} that deploy had started")
    return 0


def abort(reason: str) -> int:
    """End canary and shadow."""
    from lifecycle.serving.rollout import deploy

    moves = deploy.abort(reason)
    for move in moves:
        print(f"deploy: version {move.version} is no longer the {move.alias}; production is unchanged")
    if not moves:
        print("deploy: there is no canary and no shadow")
    return 0


def status(environments: list["Environment"]) -> int:
    """Print what each server serves. Returns 1 if something is wrong."""
    from lifecycle.serving.client import ServerError

    exit_code = 0
    for environment in environments:
        for client in environment.clients:
            try:
                exit_code |= _print_status(environment, client)
            except ServerError as error:
                print(f"{environment.name}: {error}")
                exit_code = 1
    return exit_code


def _print_status(environment: "Environment", client: "Client") -> int:
    from lifecycle.serving.canary_stats import ArmStats
    from lifecycle.serving.rollout.canary_analysis import judge

    reported = client.status()
    versions = [f"{role} version {number}" for role, number in reported["versions"].items() if number]
    print(f"{environment.name}: {client.url} serves {', '.join(versions) or 'nothing'}; since {reported['started']}")
    for problem in reported["problems"]:
        print(f"  problem: {problem}")
    if arms := reported["arms"]:
        production, canary = (ArmStats.from_json(arms[name]) for name in ("production", "canary"))
        verdict = judge(production, canary, environment.serving.canary)
        reasons = "; ".join(verdict.reasons)
        print(f"  canary for {reported['canary_percent']}% of the rows: {verdict.decision}: {reasons}")
    return 1 if reported["problems"] else 0


def percent(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100:
        raise ValueError
    return number


def add_to(verbs: Any) -> None:
    """Add this command to the command line."""
    verb = verbs.add_parser(
        "deploy", help="roll a version out to the servers of staging or production", description=deploy.__doc__
    )
    verb.add_argument(
        "action",
        nargs="?",
        choices=("status", "abort", "stop"),
        help="show what each server serves; end canary and shadow; stop the servers that deploy started here",
    )
    verb.add_argument("--env", choices=("staging", "production"))
    verb.add_argument(
        "--canary",
        type=percent,
        metavar="PERCENT",
        help="share of rows that the new version answers until there is a verdict; 100 promotes it at once "
        "(default: canary.percent of serving.yaml)",
    )
    verb.add_argument(
        "--shadow", action="store_true", help="score every row with the new version, too, without using its answers"
    )
    verb.add_argument(
        "--version", metavar="WHICH", help="refuse any other version: a number, or the git revision it was trained at"
    )
    verb.add_argument(
        "--replace", action="store_true", help="take the place of a canary or shadow that somebody else has begun"
    )
    verb.add_argument("--reason", metavar="TEXT", help="recorded in the ledger")
    verb.set_defaults(run=deploy)
