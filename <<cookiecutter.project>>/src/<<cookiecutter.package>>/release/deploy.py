"""Take a version to the servers of an environment, or leave everything as it was.

The registry decides what is served, so to deploy is to move an alias, wait until the servers have seen it, and ask them for rows
whose answers are known. What does not hold is put back. Production is approached through a canary, and its verdict.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from << cookiecutter.package >>.errors import ProjectError, RefusedError
from << cookiecutter.package >>.release import artifacts, ledger, registry, trials
from << cookiecutter.package >>.release.aliases import CANARY, PRODUCTION, SHADOW, STAGING, state
from << cookiecutter.package >>.release.checks import check
from << cookiecutter.package >>.release.commands import registry as connected
from << cookiecutter.package >>.release.environment import Environment
from << cookiecutter.package >>.release.ledger import Move
from << cookiecutter.package >>.release.verdict import ABORT, PROMOTE, Verdict, judge
from << cookiecutter.package >>.serving.client import ServerError
from << cookiecutter.package >>.serving.settings import Canary
from << cookiecutter.package >>.serving.tally import Tally

EVERY = 10.0  # seconds between two lines that say how a canary does


def say(text: str) -> None:
    print(f"deploy: {text}", flush=True)


def to_staging(environment: Environment, version: int | None, reason: str) -> None:
    """Move the candidate to staging, check it, and see it served. Raises RefusedError if it is not good; then staging is as before."""
    environment.start()
    with connected() as (client, model, _):
        moved = registry.promote(client, model, STAGING, version, reason)
        number, outcome, good = check(client, model)
        folder = artifacts.fetch(client, model, number, environment.serving.server.cache) if good else Path()
    say(f"version {number} is in staging; checked: {outcome}")
    with undone_on_failure(_put_back(moved)):
        if not good:
            raise RefusedError(f"version {number} has not passed its checks: {outcome}")
        _serve(environment, STAGING, number, folder)


def to_production(environment: Environment, version: int | None, percent: int, reason: str) -> Verdict | None:
    """Take the version in staging to production: at once at 100 percent, or if nothing is there yet; else through a canary.

    Returns the verdict if that is to wait, None if the version is in production. Raises RefusedError if it is not good; then
    production is as before.
    """
    environment.start()
    number, folder, present = _candidate(environment, version)
    if number == present:
        say(f"version {number} is in production already")
        return None
    if percent < 100 and present is not None:
        with connected() as (client, model, _):
            trials.begin(client, model, CANARY, reason, percent)
        say(f"version {number} is the canary for {percent}% of the rows, beside version {present}")
        with undone_on_failure(_stop(CANARY, number)):
            _serve(environment, CANARY, number, folder)
        verdict = watch(environment, number)
        if verdict.decision == ABORT:
            with connected() as (client, model, _):
                trials.stop(client, model, CANARY, f"verdict: {'; '.join(verdict.reasons)}"[: registry.LONGEST])
            raise RefusedError(
                f"version {number} is not promoted: {'; '.join(verdict.reasons)}; production is as before"
            )
        if verdict.decision != PROMOTE:
            return verdict
        say(f"the canary has passed: {'; '.join(verdict.reasons)}")
    with connected() as (client, model, _):
        moved = registry.promote(client, model, PRODUCTION, number, reason)
    with undone_on_failure(_put_back(moved)):
        _serve(environment, PRODUCTION, number, folder)
    return None


def to_shadow(environment: Environment, version: int | None, reason: str) -> None:
    """Let the version in staging answer everything that production answers, to nobody."""
    environment.start()
    number, _, _ = _candidate(environment, version)
    with connected() as (client, model, _):
        trials.begin(client, model, SHADOW, reason)
    with undone_on_failure(_stop(SHADOW, number)):
        environment.wait_for(SHADOW, number)
    say(f"version {number} is the shadow; `compare` holds its answers against production's")


def abort(reason: str) -> list[Move]:
    """End the trials beside production. Returns the moves."""
    with connected() as (client, model, _):
        found = [trials.stop(client, model, alias, reason) for alias in (CANARY, SHADOW)]
    return [move for move in found if move]


def watch(environment: Environment, version: int) -> Verdict:
    """Watch a canary until there is a verdict, or no time left."""
    policy: Canary = environment.serving.canary
    deadline, said = time.monotonic() + 60 * policy.wait_minutes, 0.0
    arms = Arms(version)
    while True:
        with suppress(ServerError):  # one that does not answer now may the next time
            arms.look(environment.statuses())
        production, canary = arms.sums()
        verdict = judge(production, canary, policy)
        if arms.ended:
            return Verdict(ABORT, ["somebody has ended the canary"])
        if verdict.decision in (PROMOTE, ABORT) or time.monotonic() > deadline:
            return verdict
        if time.monotonic() > said + EVERY:
            say(f"waiting: {'; '.join(verdict.reasons)}")
            said = time.monotonic()
        time.sleep(min(1.0, environment.serving.server.poll_seconds))


@dataclass
class Arms:
    """What the servers have answered side by side. Each counts for itself, so the last word of each is kept."""

    version: int
    seen: dict[str, tuple[Tally, Tally]] = field(default_factory=dict)
    without: int = 0

    def look(self, statuses: list[dict[str, Any]]) -> None:
        for status in statuses:
            if status["versions"][CANARY] != self.version:
                self.without += 1
            elif status["arms"]:
                self.without = 0
                sides = status["arms"]
                self.seen[status["server"]] = Tally(**sides["production"]), Tally(**sides["canary"])

    @property
    def ended(self) -> bool:
        """Whether the servers do not serve the canary any more."""
        return self.without >= 3

    def sums(self) -> tuple[Tally, Tally]:
        production, canary = Tally(0), Tally(self.version)
        for one, other in self.seen.values():
            production, canary = production + one, canary + other
        return production, canary


@contextmanager
def undone_on_failure(undo: Callable[[Any, str], Any]) -> Iterator[None]:
    """Take a move back if the block fails, or is interrupted. `undo` is given a client and the model's name."""
    try:
        yield
    except BaseException as error:
        with connected() as (client, model, _):
            undo(client, model)
        if isinstance(error, ProjectError):
            raise RefusedError(f"{error}; put back as before") from None
        raise


def _put_back(moved: Move | None) -> Callable[[Any, str], Any]:
    def undo(client: Any, model: str) -> Move | None:
        return moved and trials.put_back(client, model, moved, f"deploy of version {moved.version} failed")

    return undo


def _stop(alias: str, version: int) -> Callable[[Any, str], Any]:
    return lambda client, model: trials.stop(client, model, alias, f"deploy of version {version} failed")


def _candidate(environment: Environment, version: int | None) -> tuple[int, Path, int | None]:
    """The version in staging, its files, and the version in production."""
    with connected() as (client, model, _):
        now = state(client, model, ledger.head(client, model))
        number = now[STAGING]
        if number is None:
            raise RefusedError("no version is in staging: deploy --env staging comes first")
        if version is not None and version != number:
            raise RefusedError(f"version {version} is not in staging, version {number} is")
        return number, artifacts.fetch(client, model, number, environment.serving.server.cache), now[PRODUCTION]


def _serve(environment: Environment, role: str, version: int, folder: Path) -> None:
    environment.wait_for(role, version)
    rows = environment.smoke_test(version, folder)
    say(f"version {version} is served as {role}, with the answers of evaluate to {rows} known rows")
