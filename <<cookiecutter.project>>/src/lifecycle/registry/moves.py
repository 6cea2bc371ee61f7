"""The registry: which version of the model is candidate, staging and production, and the rules of moving on.

MLflow's registered model holds the versions; registration.py says how one comes in. It goes one step at a time.
"""

import getpass
import os
import re
from contextlib import suppress
from typing import Any

from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.git import git
from lifecycle.registry import ledger
from lifecycle.registry.aliases import CANARY, CANDIDATE, PRODUCTION, SHADOW, STAGING, align, find, state
from lifecycle.registry.ledger import Move

STEPS = {STAGING: CANDIDATE, PRODUCTION: STAGING}  # what a version must be to be promoted there
CHECKS = "staging.checks"
PASSED = "passed"
LONGEST = 500
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def promote(client: Any, model: str, to: str, version: int | None, reason: str) -> Move | None:
    """Move a version one step on: the candidate to staging, or what is in staging to production.

    Returns the move, or None if the version is there already. Raises RefusedError if the version does not stand where it
    would have to, is older than what is in production, or has not passed the checks of staging; ConfigError if there
    is no such version.
    """
    reason = checked_reason(reason)
    last = ledger.head(client, model)
    now = state(client, model, last)
    origin = STEPS[to]
    version = version or now[origin]
    if version is None:
        raise RefusedError(
            f"no version is {origin}, so none can be promoted to {to}: register comes first, then staging"
        )
    tags = _version(client, model, version, last).tags
    if version == now[to]:
        return None
    if version < (now[to] or 0):
        raise RefusedError(
            f"version {version} is older than version {now[to]}, which is {to}: going back is what rollback does"
        )
    if version != now[origin] and not (to == PRODUCTION and version == now[CANARY]):
        raise RefusedError(
            f"version {version} is not {origin} ({_whose(now[origin])}): a version goes one step at a time, "
            "candidate, staging, production"
        )
    if to == PRODUCTION:
        need_checks(version, tags)
    return move(client, model, last, "promote", to, version, reason)


def rollback(client: Any, model: str, to: int | None, reason: str) -> Move | None:
    """Put a version back into production: the one before the present one, or any that has been there.

    Returns the move, or None if the version is in production. Raises RefusedError if there is none to go back to, or it has
    never been in production; ConfigError if there is no such version.
    """
    reason = checked_reason(reason)
    last = ledger.head(client, model)
    now = state(client, model, last)
    present = now[PRODUCTION]
    if present is None:
        raise RefusedError("no version is in production, so there is nothing to roll back")
    version = to or now["before"]
    if version is None:
        raise RefusedError(f"version {present} is the first in production: there is none to go back to")
    _version(client, model, version, last)
    if version == present:
        return None
    if version != now["before"] and not ledger.has_had(client, model, PRODUCTION, version):
        raise RefusedError(f"version {version} has never been in production: what is new is promoted")
    done = move(client, model, last, "rollback", PRODUCTION, version, reason)
    if find(client, model, present, last):  # or running the last release again would bring it back
        client.set_model_version_tag(model, str(present), CHECKS, f"rolled back from production: {reason}")
    return done


def move(
    client: Any,
    model: str,
    last: Move | None,
    action: str,
    alias: str,
    version: int,
    reason: str,
    percent: int = 0,
    then: ledger.State | None = None,
) -> Move:
    """Write a move that builds upon the last one, then let the aliases follow.

    The version gets the alias, unless `then` says which one does instead. What is in production decides what can be tried beside it,
    so another version there ends the trials. Raises RefusedError if somebody else has moved since.
    """
    now = state(client, model, last)
    tags = _version(client, model, version, last).tags
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
    winner = ledger.upon(client, model, record.base)
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


def need_checks(version: int, tags: dict[str, str]) -> None:
    """Raise RefusedError if a version has not passed the checks of staging."""
    if not tags.get(CHECKS, "").startswith(PASSED):
        raise RefusedError(
            f"version {version} has not passed the checks of staging: {tags.get(CHECKS, 'run check (make check) first')}"
        )


def who() -> str:
    """Return who acts: on GitHub the one who started the workflow, else git's name and address, else the login."""
    if actor := os.environ.get("GITHUB_ACTOR"):
        return actor
    try:
        return git("var", "GIT_COMMITTER_IDENT").rpartition(">")[0] + ">"
    except ConfigError:
        with suppress(KeyError, OSError):  # in a container a user may have no name
            return getpass.getuser()
    return "unknown"


def _version(client: Any, model: str, version: int, last: Move | None) -> Any:
    found = find(client, model, version, last)
    if not found:
        raise ConfigError(f"MLflow has no version {version} of {model} (any more): see history")
    return found


def checked_reason(text: str) -> str:
    """Return a reason on one line. Raises ConfigError if it is empty, too long, or would garble the ledger."""
    text = " ".join(text.split())
    if not text or len(text) > LONGEST or UNPRINTABLE.search(text):
        raise ConfigError(f"--reason (of make: REASON): say why, in 1 to {LONGEST} printable characters")
    return text


def _whose(version: int | None) -> str:
    return f"that is version {version}" if version else "no version is"
