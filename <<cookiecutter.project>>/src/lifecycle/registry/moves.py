"""The moves of versions: promotion, and the rules for every move; rollback.py has those of going back.

MLflow's registered model holds the versions; registration.py adds them. A version moves one step at a time.
"""

import getpass
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.git import git
from lifecycle.registry import ledger
from lifecycle.registry.aliases import CANARY, CANDIDATE, PRODUCTION, SHADOW, STAGING, align, find, state
from lifecycle.registry.ledger import Move

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

PROMOTED_FROM = {STAGING: CANDIDATE, PRODUCTION: STAGING}
STAGING_CHECKS = "staging.checks"  # tag of a version: the outcome of its checks
PASSED = "passed"
MAX_REASON = 500  # characters
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def promote(client: "MlflowClient", model: str, to: str, version: int | None, reason: str) -> Move | None:
    """Move a version one step on: the candidate to staging, or the version in staging to production.

    Args:
        client: of the registry.
        model: the model's name there.
        to: `staging` or `production`.
        version: the version to promote, or None for the one that is next in line.
        reason: for the ledger.

    Returns:
        The move, or None if the version is there already.

    Raises RefusedError if the version is not next in line, is older than the version that is there, or has not passed the
    staging checks; ConfigError if there is no such version.
    """
    reason = checked_reason(reason)
    last = ledger.head(client, model)
    now = state(client, model, last)
    origin = PROMOTED_FROM[to]
    version = version or now[origin]
    if version is None:
        first = "register one" if origin == CANDIDATE else "promote one to staging"
        raise RefusedError(f"no version is {_in(origin)}, so none can be promoted to {to}: {first} first")
    tags = require_version(client, model, version, last).tags
    if version == now[to]:
        return None
    if version < (now[to] or 0):
        raise RefusedError(
            f"version {version} is older than version {now[to]}, which is {_in(to)}: only newer versions are promoted; "
            "rollback puts an older one back into production"
        )
    if version != now[origin] and not (to == PRODUCTION and version == now[CANARY]):
        holder = f"version {now[origin]} is" if now[origin] else "no version is"
        raise RefusedError(
            f"version {version} is not {_in(origin)} ({holder}): a version moves one step at a time, from candidate to "
            "staging to production"
        )
    if to == PRODUCTION:
        require_checks(version, tags)
    return move(client, model, last, "promote", to, version, reason)


def move(
    client: "MlflowClient",
    model: str,
    last: Move | None,
    action: str,
    alias: str,
    version: int,
    reason: str,
    percent: int = 0,
    then: ledger.State | None = None,
) -> Move:
    """Write a move that builds upon the last one, then update the aliases.

    Another version in production ends the trials beside it. Raises RefusedError if somebody else has made a move since.

    Args:
        client: of the registry.
        model: the model's name there.
        last: the move that this one builds upon; None for the first.
        action: what the move is called in the ledger.
        alias: the alias that the version gets.
        version: the version's number.
        reason: for the ledger.
        percent: the share of the rows that a canary answers.
        then: aliases that end up differently, for a move that takes one away.
    """
    now = state(client, model, last)
    tags = require_version(client, model, version, last).tags
    after = now | {alias: version}
    if alias == PRODUCTION:
        after |= {"before": now[PRODUCTION], CANARY: None, SHADOW: None}
    elif alias != CANARY:
        percent = last.percent if last else 0
    after |= then or {}
    record = Move(
        action=action,
        alias=alias,
        version=version,
        previous=now[alias],
        reason=reason,
        who=who(),
        commit=tags.get("git.commit", ""),
        gate=tags.get("gate.reason", ""),
        base=last.number if last else 0,
        state=after,
        percent=percent,
    )
    ledger.append(client, model, record)
    winner = ledger.successor(client, model, record.base)
    if winner is None:
        raise ConfigError(
            f"the record of this move is not in {ledger.ledger_of(model)}: look at history, then try again"
        )
    if winner.id != record.id:
        raise RefusedError(
            f"{winner.who} was faster: {winner.action} of version {winner.version} to {winner.alias} ({winner.reason}); "
            "this move does not count: look at history, then try again"
        )
    align(client, model)
    return winner


def require_checks(version: int, tags: dict[str, str]) -> None:
    """Raise RefusedError if a version has not passed the staging checks."""
    outcome = tags.get(STAGING_CHECKS, "")
    if not outcome.startswith(PASSED):
        raise RefusedError(
            f"version {version} has not passed the staging checks: {outcome or 'run check (make check) first'}"
        )


def who() -> str:
    """Return who acts: on GitHub the user who started the workflow, else git's name and address, else the login."""
    if actor := os.environ.get("GITHUB_ACTOR"):
        return actor
    try:
        return git("var", "GIT_COMMITTER_IDENT").rpartition(">")[0] + ">"
    except ConfigError:
        with suppress(KeyError, OSError):  # in a container a user may have no name
            return getpass.getuser()
    return "unknown"


def checked_reason(text: str) -> str:
    """Return a reason on one line. Raises ConfigError if it is empty, too long, or has unprintable characters."""
    text = " ".join(text.split())
    if not text or len(text) > MAX_REASON or UNPRINTABLE.search(text):
        raise ConfigError(f"--reason (of make: REASON): give a reason of 1 to {MAX_REASON} printable characters")
    return text


def require_version(client: "MlflowClient", model: str, version: int, last: Move | None) -> "ModelVersion":
    """Return a version of the model. Raises ConfigError if it is not, or no longer, there."""
    there = find(client, model, version, last)
    if there is None:
        raise ConfigError(f"MLflow has no version {version} of {model}, or has it no more: see history")
    return there


def _in(alias: str) -> str:
    return "the candidate" if alias == CANDIDATE else f"in {alias}"
