"""Roll a version out to the servers of an environment, or leave everything as it was.

The registry decides what is served, so a deployment moves an alias, waits until the servers have followed, and checks their predictions
for rows whose predictions are known. If anything fails, the move is reverted. A version reaches production through a canary.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from lifecycle.core.errors import RefusedError
from lifecycle.registry import ledger, moves, version_cache
from lifecycle.registry.aliases import CANARY, PRODUCTION, SHADOW, STAGING, find, state
from lifecycle.registry.connection import connected
from lifecycle.registry.ledger import Move
from lifecycle.registry.staging_checks import check
from lifecycle.serving.rollout import trials
from lifecycle.serving.rollout.canary_analysis import ABORT, PROMOTE, Verdict
from lifecycle.serving.rollout.canary_watch import report, watch
from lifecycle.serving.rollout.environment import Environment
from lifecycle.serving.rollout.reverting import put_back, reverted_on_failure, stop_trial

if TYPE_CHECKING:
    from mlflow import MlflowClient


def to_staging(environment: Environment, version: int | None, reason: str) -> None:
    """Move the candidate to staging, run its checks, and see it served.

    Raises RefusedError if one of these fails; then staging is as before.
    """
    environment.start()
    with connected() as (client, model, _):
        before = state(client, model, ledger.head(client, model))
        move = moves.promote(client, model, STAGING, version, reason) or _unchecked(client, model, before)
    with reverted_on_failure(put_back(move, before), "" if move else _stays(before[STAGING], STAGING)):
        with connected() as (client, model, _):
            number, outcome, passed = check(client, model)
            if not passed:
                raise RefusedError(f"version {number} has not passed its checks: {outcome}")
            folder = fetch(client, model, number, environment)
        report(f"version {number} is in staging; checked: {outcome}")
        _confirm_served(environment, STAGING, number, folder)


def to_production(
    environment: Environment, version: int | None, percent: int, reason: str, replace: bool = False
) -> Verdict | None:
    """Move the version in staging to production: at once at 100 percent, or if nothing is there yet; else through a canary.

    Args:
        environment: the servers of production.
        version: refuse any other, if given.
        percent: the canary's share of the rows.
        reason: for the ledger.
        replace: whether a canary that somebody else has begun may end.

    Returns the verdict if that is to wait, None if the version is in production. Raises RefusedError if it fails; then
    production is as before.
    """
    environment.start()
    number, folder, before = _staged_version(environment, version)
    current = before[PRODUCTION]
    if number == current:
        with reverted_on_failure(put_back(None, before), _stays(number, PRODUCTION)):
            _confirm_served(environment, PRODUCTION, number, folder)
        return None
    if not replace:
        _require_own(CANARY, number, percent)
    if percent < 100 and current is not None:
        verdict = _run_canary(environment, number, folder, percent, reason)
        if verdict.decision != PROMOTE:
            return verdict
        report(f"the canary has passed: {'; '.join(verdict.reasons)}")
    with reverted_on_failure(stop_trial(CANARY, number)), connected() as (client, model, _):
        move = moves.promote(client, model, PRODUCTION, number, reason)
    with reverted_on_failure(put_back(move, before)):
        _confirm_served(environment, PRODUCTION, number, folder)
    return None


def _run_canary(environment: Environment, number: int, folder: Path, percent: int, reason: str) -> Verdict:
    """Run a version as the canary until the verdict is to promote it or to wait. Raises RefusedError if it is aborted."""
    with reverted_on_failure(stop_trial(CANARY, number)):
        with connected() as (client, model, _):
            trials.begin(client, model, CANARY, reason, percent)
        report(f"version {number} is the canary for {percent}% of the rows")
        _confirm_served(environment, CANARY, number, folder)
    try:
        verdict = watch(environment, number)
    except KeyboardInterrupt:
        report("interrupted; the canary keeps running: run this again to go on, or deploy abort to end it")
        raise
    if verdict.decision == ABORT:
        reasons = "; ".join(verdict.reasons)
        with connected() as (client, model, _):
            trials.stop(client, model, CANARY, number, f"verdict: {reasons}"[: moves.MAX_REASON])
        raise RefusedError(f"version {number} is not promoted: {reasons}; production is unchanged")
    return verdict


def to_shadow(environment: Environment, version: int | None, reason: str, replace: bool = False) -> None:
    """Let the version in staging score every row that production answers, without using its answers."""
    environment.start()
    number, _, _ = _staged_version(environment, version)
    if not replace:
        _require_own(SHADOW, number)
    with reverted_on_failure(stop_trial(SHADOW, number)):
        with connected() as (client, model, _):
            trials.begin(client, model, SHADOW, reason)
        environment.wait_for(SHADOW, number)
    report(f"version {number} is the shadow; `compare` shows how its answers differ from production's")


def _require_own(alias: str, number: int, percent: int = 0) -> None:
    with connected() as (client, model, _):
        trials.require_own(client, model, alias, number, percent)


def abort(reason: str) -> list[Move]:
    """End canary and shadow. Returns the moves."""
    with connected(registry_only=True) as (client, model, _):
        stops = [trials.stop(client, model, alias, None, reason) for alias in (CANARY, SHADOW)]
    return [move for move in stops if move]


def _stays(version: int | None, alias: str) -> str:
    return f"version {version} was in {alias} before this command and stays there"


def _unchecked(client: "MlflowClient", model: str, now: ledger.State) -> Move | None:
    """The move that brought the version to staging, if an earlier deploy was cut off before its checks, or before it was put back."""
    version = now[STAGING]
    there = find(client, model, version, ledger.head(client, model)) if version else None
    if not there or not there.tags.get(moves.STAGING_CHECKS, "failed").startswith("failed"):
        return None
    latest = ledger.latest(client, model, STAGING)
    return latest if latest and latest.action == "promote" and latest.version == version else None


def fetch(client: "MlflowClient", model: str, version: int, environment: Environment) -> Path:
    """Return the folder of a version, in a cache apart from those of the servers.

    Args:
        client: of MLflow.
        model: its name in the registry.
        version: its number.
        environment: whose settings name the cache.
    """
    cache = environment.serving.server.cache / "deploy"
    folder = version_cache.fetch(client, model, version, cache)
    version_cache.prune(cache, {folder})
    return folder


def _staged_version(environment: Environment, version: int | None) -> tuple[int, Path, ledger.State]:
    """The version in staging, its files, and which version has which alias."""
    with connected() as (client, model, _):
        now = state(client, model, ledger.head(client, model))
        number = now[STAGING]
        if number is None:
            raise RefusedError("no version is in staging: run deploy --env staging first")
        if version not in (None, number):
            raise RefusedError(f"version {version} is not in staging, version {number} is")
        return number, fetch(client, model, number, environment), now


def _confirm_served(environment: Environment, role: str, version: int, folder: Path) -> None:
    environment.wait_for(role, version)
    rows = environment.smoke_test(version, folder)
    for line in environment.package_differences(version):
        report(f"version {version} is served with other packages than it was made with: {line}")
    report(f"version {version} is served as {role} and reproduces the predictions of evaluate for {rows} known rows")
