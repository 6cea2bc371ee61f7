"""Trials beside production: a canary answers a share of the rows, a shadow answers all of them and nobody sees its answers.

Both are aliases like the others, and moves in the same ledger; servers see them as they see any move.
"""

from typing import TYPE_CHECKING

from lifecycle.core.errors import RefusedError
from lifecycle.registry import ledger, moves
from lifecycle.registry.aliases import CANARY, PRODUCTION, STAGING, find, state
from lifecycle.registry.ledger import Move

if TYPE_CHECKING:
    from mlflow import MlflowClient


def begin(client: "MlflowClient", model: str, alias: str, reason: str, percent: int = 0) -> Move | None:
    """Try the version in staging as `canary` or as `shadow`.

    Args:
        client: of the registry.
        model: the model's name there.
        alias: `canary` or `shadow`.
        reason: for the ledger.
        percent: the share of the rows that the canary answers.

    Returns:
        The move, or None if that trial is running already.

    Raises RefusedError if no version is in staging or production, or if the one in staging is not newer or has not passed
    its checks.
    """
    reason = moves.checked_reason(reason)
    last = ledger.head(client, model)
    now = state(client, model, last)
    version, present = now[STAGING], now[PRODUCTION]
    if version is None:
        raise RefusedError(f"no version is in staging, so there is none to try as {alias}: deploy --env staging first")
    if present is None:
        raise RefusedError(f"no version is in production, so there is nothing to try a {alias} beside")
    if version <= present:
        raise RefusedError(f"version {version}, in staging, is not newer than version {present}, in production")
    tried = find(client, model, version, last)
    moves.require_checks(version, tried.tags if tried else {})
    if now[alias] == version and (alias != CANARY or (last and last.percent == percent)):
        return None
    return moves.move(client, model, last, "try", alias, version, reason, percent)


def require_own(client: "MlflowClient", model: str, alias: str, version: int, percent: int = 0) -> None:
    """Raise RefusedError if a trial would end that somebody else has begun.

    Args:
        client: of the registry.
        model: the model's name there.
        alias: `canary` or `shadow`.
        version: the version that is to be tried, or to be in production, in its place; the same trial may be gone on with.
        percent: the share of the rows that a canary is to answer.
    """
    last = ledger.head(client, model)
    present = state(client, model, last)[alias]
    same = present == version and (alias != CANARY or (last and last.percent == percent))
    begun = None if present is None or same else ledger.latest(client, model, alias)
    if begun and begun.who != moves.who():
        raise RefusedError(
            f"version {present} is the {alias}, since {begun.when} by {begun.who} ({begun.reason}): "
            "--replace (of make: REPLACE=1) takes its place, deploy abort ends it"
        )


def stop(client: "MlflowClient", model: str, alias: str, version: int | None, reason: str) -> Move | None:
    """End the trial of an alias.

    Args:
        client: of the registry.
        model: the model's name there.
        alias: `canary` or `shadow`.
        version: the version on trial, or None for any.
        reason: for the ledger.

    Returns:
        The move, or None if there is no such trial.
    """
    last = ledger.head(client, model)
    present = state(client, model, last)[alias]
    if present is None or version not in (None, present):
        return None
    return moves.move(client, model, last, "stop", alias, present, moves.checked_reason(reason), then={alias: None})


def put_back(client: "MlflowClient", model: str, moved: Move, before: ledger.State, reason: str) -> Move | None:
    """Undo a move to staging or production.

    Args:
        client: of the registry.
        model: the model's name there.
        moved: the move to undo.
        before: alias → version before that move.
        reason: for the ledger.

    Returns:
        The move, or None if the alias has moved on since.
    """
    last = ledger.head(client, model)
    if state(client, model, last)[moved.alias] != moved.version:
        return None
    then = {moved.alias: moved.previous} | ({"before": before.get("before")} if moved.alias == PRODUCTION else {})
    version = moved.previous or moved.version  # the record is of the version that has the alias now, if there is one
    return moves.move(client, model, last, "withdraw", moved.alias, version, reason, then=then)
