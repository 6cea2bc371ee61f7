"""A connection to MLflow's model registry, with which every command of this part begins."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from lifecycle.core.config import Params
    from lifecycle.registry.ledger import Move


@contextmanager
def connected(registry_only: bool = False) -> Iterator[tuple["MlflowClient", str, "Params"]]:
    """Connect to MLflow's registry and yield a client, the model's name there and the parameters.

    If an earlier command was interrupted, its move is completed first. With `registry_only` the client cannot reach runs and files.
    """
    from lifecycle.core import config
    from lifecycle.core.tracking import store
    from lifecycle.registry import ledger
    from lifecycle.registry.aliases import align
    from lifecycle.registry.registry_store import registry_store
    from lifecycle.registry.rollback import complete

    params = config.load()
    connect = registry_store if registry_only else store
    with connect(params, "a move that has begun is completed by the next command") as client:
        for line in align(client, params.track.model):
            print(f"note: {line}", file=sys.stderr)
        if note := complete(client, params.track.model, ledger.head(client, params.track.model)):
            print(f"note: {note}", file=sys.stderr)
        yield client, params.track.model, params


def describe_move(move: "Move | None", client: "MlflowClient", model: str, alias: str) -> str:
    """Return in one line what a command has moved, or that there was nothing to do.

    Args:
        move: the move, or None if the version has the alias already.
        client: of the registry.
        model: the model's name there.
        alias: the alias that the command gives.
    """
    if move is None:
        from lifecycle.registry import ledger
        from lifecycle.registry.aliases import state

        version = state(client, model, ledger.head(client, model))[alias]
        return f"version {version} is already in {alias}: nothing to do"
    previous = f", where version {move.previous} was" if move.previous else ""
    return f"version {move.version} is in {move.alias}{previous}"


def version_number(client: "MlflowClient", model: str, which: str | None) -> int | None:
    """Return the number of the version that an option names, or None if it names none."""
    from lifecycle.registry.lineage import version_of

    return int(version_of(client, model, which).version) if which else None
