"""A deployment that fails, or is interrupted, is taken back: the alias goes to the version that had it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lifecycle.core.errors import ProjectError, RefusedError
from lifecycle.registry import ledger
from lifecycle.registry.connection import connected
from lifecycle.registry.ledger import Move
from lifecycle.serving.rollout import trials
from lifecycle.serving.rollout.canary_watch import report

if TYPE_CHECKING:
    from mlflow import MlflowClient

Revert = Callable[["MlflowClient", str], Move | None]
"""Takes a move back, given the model's name; None if there is nothing to revert."""


@contextmanager
def reverted_on_failure(revert: Revert, otherwise: str = "") -> Iterator[None]:
    """Revert a move if the block fails or is interrupted. Raises RefusedError in place of a ProjectError.

    `otherwise` says how things are if there is nothing to revert.
    """
    try:
        yield
    except BaseException as error:
        try:
            with connected() as (client, model, _):
                reverted = revert(client, model)
        except ProjectError as revert_error:
            raise RefusedError(
                f"{error or 'interrupted'}; and it could not be reverted: {revert_error}; see history, then rollback or deploy abort"
            ) from None
        if isinstance(error, ProjectError):
            outcome = "reverted" if reverted else otherwise
            raise RefusedError(f"{error}; {outcome}" if outcome else str(error)) from None
        if reverted:
            report("interrupted; reverted")
        raise


def put_back(move: Move | None, before: ledger.State) -> Revert:
    """Return what undoes a move to staging or production, if there was one; `before` is alias → version before it."""

    def revert(client: "MlflowClient", model: str) -> Move | None:
        return move and trials.put_back(client, model, move, before, f"deploy of version {move.version} failed")

    return revert


def stop_trial(alias: str, version: int) -> Revert:
    """Return what ends the trial of a version as `canary` or `shadow`."""
    return lambda client, model: trials.stop(client, model, alias, version, f"deploy of version {version} failed")
