"""A connection to MLflow's model registry, as every command of it begins."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def registry() -> Iterator[tuple[Any, str, Any]]:
    """Connect to MLflow's registry and yield a client, the model's name there and the parameters.

    What a command that was cut off has left undone is done first.
    """
    from lifecycle.core import config
    from lifecycle.core.tracking import store
    from lifecycle.registry.aliases import align

    params = config.load()
    with store(params, "should a move have begun, the next command finishes it") as client:
        for line in align(client, params.track.model):
            print(f"note: {line}", file=sys.stderr)
        yield client, params.track.model, params


def moved(verb: str, move: Any) -> None:
    """Print a move, or that there was none to be made."""
    if move is None:
        print(f"{verb}: nothing to do, it is there already")
    else:
        before = f", where version {move.previous} was" if move.previous else ""
        print(f"{verb}: version {move.version} is in {move.alias}{before}")


def number(client: Any, model: str, which: str | None) -> int | None:
    """Return the number of the version that was asked for, if one was."""
    from lifecycle.registry.lineage import version_of

    return int(version_of(client, model, which).version) if which else None
