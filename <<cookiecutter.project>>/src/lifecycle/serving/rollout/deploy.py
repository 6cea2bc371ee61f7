"""Take a version to the servers of an environment, or leave everything as it was.

The registry decides what is served, so to deploy is to move an alias, wait until the servers have seen it, and ask them for rows
whose answers are known. What does not hold is put back. Production is approached through a canary, and its verdict.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ProjectError, RefusedError
from lifecycle.registry import ledger, trials
from lifecycle.registry import moves as registry
from lifecycle.registry import version_cache as artifacts
from lifecycle.registry.aliases import CANARY, PRODUCTION, SHADOW, STAGING, state
from lifecycle.registry.connection import registry as connected
from lifecycle.registry.ledger import Move
from lifecycle.registry.staging_checks import check
from lifecycle.serving.rollout.canary_analysis import ABORT, PROMOTE, Verdict
from lifecycle.serving.rollout.canary_watch import say, watch
from lifecycle.serving.rollout.environment import Environment


def to_staging(environment: Environment, version: int | None, reason: str) -> None:
    """Move the candidate to staging, check it, and see it served. Raises RefusedError if it is not good; then staging is as before."""
    environment.start()
    with connected() as (client, model, _):
        before = state(client, model, ledger.head(client, model))
        moved = registry.promote(client, model, STAGING, version, reason)
    with undone_on_failure(_put_back(moved, before)):
        with connected() as (client, model, _):
            number, outcome, good = check(client, model)
            if not good:
                raise RefusedError(f"version {number} has not passed its checks: {outcome}")
            folder = fetch(client, model, number, environment)
        say(f"version {number} is in staging; checked: {outcome}")
        _serve(environment, STAGING, number, folder)


def to_production(environment: Environment, version: int | None, percent: int, reason: str) -> Verdict | None:
    """Take the version in staging to production: at once at 100 percent, or if nothing is there yet; else through a canary.

    Returns the verdict if that is to wait, None if the version is in production. Raises RefusedError if it is not good; then
    production is as before.
    """
    environment.start()
    number, folder, before = _candidate(environment, version)
    present = before[PRODUCTION]
    if number == present:
        _serve(environment, PRODUCTION, number, folder)
        return None
    if percent < 100 and present is not None:
        verdict = _try(environment, number, folder, percent, reason)
        if verdict.decision != PROMOTE:
            return verdict
        say(f"the canary has passed: {'; '.join(verdict.reasons)}")
    with undone_on_failure(_stop(CANARY, number)), connected() as (client, model, _):
        moved = registry.promote(client, model, PRODUCTION, number, reason)
    with undone_on_failure(_put_back(moved, before)):
        _serve(environment, PRODUCTION, number, folder)
    return None


def _try(environment: Environment, number: int, folder: Path, percent: int, reason: str) -> Verdict:
    """Let a version be the canary until there is a verdict, to promote it or to wait. Raises RefusedError if it is withdrawn."""
    with undone_on_failure(_stop(CANARY, number)):
        with connected() as (client, model, _):
            trials.begin(client, model, CANARY, reason, percent)
        say(f"version {number} is the canary for {percent}% of the rows")
        _serve(environment, CANARY, number, folder)
    try:
        verdict = watch(environment, number)
    except KeyboardInterrupt:
        say("interrupted; the canary goes on: run this again, or deploy abort")
        raise
    if verdict.decision == ABORT:
        said = "; ".join(verdict.reasons)
        with connected() as (client, model, _):
            trials.stop(client, model, CANARY, number, f"verdict: {said}"[: registry.LONGEST])
        raise RefusedError(f"version {number} is not promoted: {said}; production is as before")
    return verdict


def to_shadow(environment: Environment, version: int | None, reason: str) -> None:
    """Let the version in staging answer everything that production answers, to nobody."""
    environment.start()
    number, _, _ = _candidate(environment, version)
    with undone_on_failure(_stop(SHADOW, number)):
        with connected() as (client, model, _):
            trials.begin(client, model, SHADOW, reason)
        environment.wait_for(SHADOW, number)
    say(f"version {number} is the shadow; `compare` holds its answers against production's")


def abort(reason: str) -> list[Move]:
    """End the trials beside production. Returns the moves."""
    with connected() as (client, model, _):
        found = [trials.stop(client, model, alias, None, reason) for alias in (CANARY, SHADOW)]
    return [move for move in found if move]


@contextmanager
def undone_on_failure(undo: Callable[[Any, str], Move | None]) -> Iterator[None]:
    """Take a move back if the block fails, or is interrupted. `undo` is given a client and the model's name."""
    try:
        yield
    except BaseException as error:
        try:
            with connected() as (client, model, _):
                undone = undo(client, model)
        except ProjectError as another:
            raise RefusedError(
                f"{error or 'interrupted'}; and it is not undone: {another}; see history, then rollback or deploy abort"
            ) from None
        if isinstance(error, ProjectError):
            raise RefusedError(f"{error}; put back as before" if undone else str(error)) from None
        if undone:
            say("interrupted; put back as before")
        raise


def _put_back(moved: Move | None, before: ledger.State) -> Callable[[Any, str], Move | None]:
    def undo(client: Any, model: str) -> Move | None:
        return moved and trials.put_back(client, model, moved, before, f"deploy of version {moved.version} failed")

    return undo


def _stop(alias: str, version: int) -> Callable[[Any, str], Move | None]:
    return lambda client, model: trials.stop(client, model, alias, version, f"deploy of version {version} failed")


def fetch(client: Any, model: str, version: int, environment: Environment) -> Path:
    """Return the folder of a version, in a cache apart from those of the servers."""
    cache = environment.serving.server.cache / "deploy"
    folder = artifacts.fetch(client, model, version, cache)
    artifacts.prune(cache, {folder})
    return folder


def _candidate(environment: Environment, version: int | None) -> tuple[int, Path, ledger.State]:
    """The version in staging, its files, and who has which alias."""
    with connected() as (client, model, _):
        now = state(client, model, ledger.head(client, model))
        number = now[STAGING]
        if number is None:
            raise RefusedError("no version is in staging: deploy --env staging comes first")
        if version not in (None, number):
            raise RefusedError(f"version {version} is not in staging, version {number} is")
        return number, fetch(client, model, number, environment), now


def _serve(environment: Environment, role: str, version: int, folder: Path) -> None:
    environment.wait_for(role, version)
    rows = environment.smoke_test(version, folder)
    say(f"version {version} is served as {role}, with the answers of evaluate to {rows} known rows")
