"""Rollback: a version that was in production goes back there, and the one that it replaces has to pass its checks again.

Typed once more, because the first call was cut off or its output was lost, it never brings the bad version back: it finishes what it
has begun, or refuses and says what is in production.
"""

from typing import TYPE_CHECKING

from lifecycle.core.errors import RefusedError
from lifecycle.registry import ledger
from lifecycle.registry.aliases import PRODUCTION, find, state
from lifecycle.registry.ledger import Move
from lifecycle.registry.moves import STAGING_CHECKS, checked_reason, move, require_version, who

if TYPE_CHECKING:
    from mlflow import MlflowClient

ROLLBACK, WITHDRAW = "rollback", "withdraw"  # moves that put an earlier version back into production
NOTED = (
    "rolled_back.move"  # tag of a version: the number of the move that took it out of production, once that is complete
)


def rollback(client: "MlflowClient", model: str, to: int | None, reason: str) -> Move | None:
    """Put a version back into production: the previous one, or any that has been there.

    Returns the move, the earlier one if this is a repetition of it, or None if the version is in production. Raises
    RefusedError if there is none to go back to, it has never been in production, or the version in production was put back
    already and it is not said which other one is meant; ConfigError if there is no such version.
    """
    reason = checked_reason(reason)
    last = ledger.head(client, model)
    now = state(client, model, last)
    present = now[PRODUCTION]
    if present is None:
        raise RefusedError("no version is in production, so there is nothing to roll back")
    latest = ledger.latest(client, model, PRODUCTION) if to is None else None
    if latest and latest.action in (ROLLBACK, WITHDRAW):
        if (latest.action, latest.who, latest.reason) == (ROLLBACK, who(), reason):
            return latest
        raise RefusedError(_put_back_already(latest, present))
    version = to or now["before"]
    if version is None:
        raise RefusedError(f"version {present} is the first in production: there is no earlier one to go back to")
    require_version(client, model, version, last)
    if version == present:
        return None
    if version != now["before"] and not ledger.has_had(client, model, PRODUCTION, version):
        raise RefusedError(f"version {version} has never been in production: promote it instead")
    done = move(client, model, last, ROLLBACK, PRODUCTION, version, reason)
    complete(client, model, done)
    return done


def complete(client: "MlflowClient", model: str, last: Move | None) -> str | None:
    """Note on a version that it was rolled back, if the last move did that and was cut off before: only new checks let it return.

    Otherwise repeating the last release would bring it back. Returns a line if anything was done.
    """
    if not last or last.action != ROLLBACK or not last.previous:
        return None
    version = find(client, model, last.previous, last)
    if not version or version.tags.get(NOTED) == str(last.number):
        return None
    client.set_model_version_tag(model, version.version, STAGING_CHECKS, f"rolled back from production: {last.reason}")
    client.set_model_version_tag(model, version.version, NOTED, str(last.number))
    return f"version {last.previous} is noted as rolled back: its rollback ({last.when}, {last.who}) was interrupted"


def _put_back_already(latest: Move, present: int) -> str:
    return (
        f"version {present} is in production: it was put back in place of version {latest.previous} at {latest.when} by "
        f"{latest.who} ({latest.reason}); to put yet another one there, say which: rollback --to NUMBER (make: VERSION=NUMBER)"
    )
