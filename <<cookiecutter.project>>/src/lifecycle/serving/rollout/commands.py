"""The verb `deploy`: what a person, or a workflow, does to bring a version to the servers of an environment."""

import argparse
import signal
from typing import Any

from lifecycle.core.errors import ConfigError


def deploy(arguments: argparse.Namespace) -> int:
    """Take a version to the servers of an environment: move its alias, wait until it is served, and try it. 0 done, 1 put back, 2 no verdict yet."""
    from lifecycle.serving import settings
    from lifecycle.serving.rollout import deploy
    from lifecycle.serving.rollout.environment import Environment

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is under way is put back then, too
    serving = settings.load()
    environments = [Environment(name, serving) for name in ("staging", "production")]
    if arguments.action == "status":
        return status(environments)
    if arguments.action == "stop":
        stopped = sum(environment.stop() for environment in environments if arguments.env in (None, environment.name))
        print(f"deploy: stopped {stopped} server{'s' * (stopped != 1)} that deploy had started")
        return 0
    if arguments.action == "abort":
        moves = deploy.abort(arguments.reason or "aborted by hand")
        for move in moves:
            print(f"deploy: version {move.version} is no {move.alias} any more; production is as before")
        if not moves:
            print("deploy: there is no canary and no shadow")
        return 0
    return begin(arguments, {environment.name: environment for environment in environments}, serving.canary.percent)


def begin(arguments: argparse.Namespace, environments: dict[str, Any], percent: int) -> int:
    """Begin, or go on with, the deployment that was asked for."""
    from lifecycle.registry.connection import number, registry
    from lifecycle.registry.moves import checked_reason
    from lifecycle.serving.rollout import deploy

    if arguments.env is None:
        raise ConfigError("say where to: deploy --env staging or production, or deploy status, abort or stop")
    if arguments.env == "staging" and (arguments.canary or arguments.shadow):
        raise ConfigError("--canary and --shadow are for --env production: in staging there is nothing to try beside")
    environment, reason = environments[arguments.env], checked_reason(arguments.reason or f"deploy to {arguments.env}")
    version = None
    if arguments.version:
        with registry() as (client, model, _):
            version = number(client, model, arguments.version)
    if arguments.env == "staging":
        deploy.to_staging(environment, version, reason)
    elif arguments.shadow:
        deploy.to_shadow(environment, version, reason)
    elif verdict := deploy.to_production(environment, version, arguments.canary or percent, reason):
        deploy.say(f"no verdict yet: {'; '.join(verdict.reasons)}; the canary goes on: run this again, or deploy abort")
        return 2
    return 0


def status(environments: list[Any]) -> int:
    """Print what is served where. Returns 1 if something is wrong."""
    from lifecycle.serving.canary_stats import Tally
    from lifecycle.serving.client import ServerError
    from lifecycle.serving.rollout.canary_analysis import judge

    wrong = 0
    for environment in environments:
        for client in environment.clients:
            try:
                found = client.status()
            except ServerError as error:
                print(f"{environment.name}: {error}")
                wrong = 1
                continue
            versions = [f"{role} version {number}" for role, number in found["versions"].items() if number]
            print(
                f"{environment.name}: {client.url} serves {', '.join(versions) or 'nothing'}; since {found['started']}"
            )
            for problem in found["problems"]:
                print(f"  wrong: {problem}")
                wrong = 1
            if found["arms"]:
                production, canary = (Tally(**found["arms"][side]) for side in ("production", "canary"))
                verdict = judge(production, canary, environment.serving.canary)
                print(
                    f"  canary for {found['canary_percent']}% of the rows: {verdict.decision}: {'; '.join(verdict.reasons)}"
                )
    return wrong


def percent(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100:
        raise ValueError
    return number


def add_to(verbs: Any) -> None:
    """Add this verb to the command line."""
    verb = verbs.add_parser(
        "deploy", help="take a version to the servers of staging or production", description=deploy.__doc__
    )
    verb.add_argument(
        "action",
        nargs="?",
        choices=("status", "abort", "stop"),
        help="say what is served where; end canary and shadow; stop servers that deploy started here",
    )
    verb.add_argument("--env", choices=("staging", "production"))
    verb.add_argument(
        "--canary",
        type=percent,
        metavar="PERCENT",
        help="share of the rows that it answers until it is judged; 100: no canary (default: canary.percent of serving.yaml)",
    )
    verb.add_argument("--shadow", action="store_true", help="let it answer beside production, to nobody")
    verb.add_argument(
        "--version", metavar="WHICH", help="only if it is this one: a number, or the git revision it was made at"
    )
    verb.add_argument("--reason", metavar="TEXT", help="for the ledger")
    verb.set_defaults(run=deploy)
