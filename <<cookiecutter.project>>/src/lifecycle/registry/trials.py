"""Trials beside production: a canary that answers a share of the rows, a shadow that answers all of them to nobody.

Both are aliases like the others, and moves in the same ledger; servers see them as they see any move.
"""

from typing import Any

from lifecycle.core.errors import RefusedError
from lifecycle.registry import ledger
from lifecycle.registry import moves as registry
from lifecycle.registry.aliases import CANARY, PRODUCTION, STAGING, find, state
from lifecycle.registry.ledger import Move


def begin(client: Any, model: str, alias: str, reason: str, percent: int = 0) -> Move | None:
    """Try the version in staging as `canary`, for a share of the rows in percent, or as `shadow`.

    Returns the move, or None if that is how it is already. Raises RefusedError if no version is in staging or production, or the one
    in staging is not newer or has not passed its checks.
    """
    reason = registry.checked_reason(reason)
    last = ledger.head(client, model)
    now = state(client, model, last)
    version, present = now[STAGING], now[PRODUCTION]
    if version is None:
        raise RefusedError(
            f"no version is staging, so there is none to try as {alias}: deploy --env staging comes first"
        )
    if present is None:
        raise RefusedError(f"no version is in production, so there is nothing to try a {alias} beside")
    if version <= present:
        raise RefusedError(
            f"version {version}, which is staging, is not newer than version {present}, which is production"
        )
    found = find(client, model, version, last)
    registry.need_checks(version, found.tags if found else {})
    if now[alias] == version and (alias != CANARY or (last and last.percent == percent)):
        return None
    return registry.move(client, model, last, "try", alias, version, reason, percent)


def stop(client: Any, model: str, alias: str, version: int | None, reason: str) -> Move | None:
    """End a trial, of one version or of whichever there is. Returns the move, or None if there is no such trial."""
    last = ledger.head(client, model)
    present = state(client, model, last)[alias]
    if present is None or version not in (None, present):
        return None
    return registry.move(
        client, model, last, "stop", alias, present, registry.checked_reason(reason), then={alias: None}
    )


def put_back(client: Any, model: str, moved: Move, before: ledger.State, reason: str) -> Move | None:
    """Take a move to staging or production back, to what was before it.

    Returns the move, or None if others have moved on from it since.
    """
    last = ledger.head(client, model)
    if state(client, model, last)[moved.alias] != moved.version:
        return None
    then = {moved.alias: moved.previous} | ({"before": before.get("before")} if moved.alias == PRODUCTION else {})
    version = moved.previous or moved.version  # the record is of the one that has the alias now, if there is one
    return registry.move(client, model, last, "withdraw", moved.alias, version, reason, then=then)
