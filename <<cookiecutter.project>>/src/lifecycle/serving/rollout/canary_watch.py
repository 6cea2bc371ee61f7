"""Watch a canary: what its servers say of it, until there is a verdict, no time left, or somebody else has moved on."""

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lifecycle.core.errors import RefusedError
from lifecycle.registry import ledger
from lifecycle.registry.aliases import CANARY, PRODUCTION
from lifecycle.registry.connection import registry as connected
from lifecycle.serving.canary_stats import Tally
from lifecycle.serving.client import ServerError
from lifecycle.serving.rollout.canary_analysis import ABORT, PROMOTE, Verdict, judge
from lifecycle.serving.rollout.environment import Environment
from lifecycle.serving.settings import Canary

UNSEEN = 3  # looks at the servers without a canary, after which the registry is asked whether there is one
EVERY = 10.0  # seconds between two lines that say how a canary does


def watch(environment: Environment, version: int) -> Verdict:
    """Watch a canary until there is a verdict, or no time left."""
    policy: Canary = environment.serving.canary
    deadline, said = time.monotonic() + 60 * policy.wait_minutes, 0.0
    arms = Arms(version)
    say(
        f"waiting up to {policy.wait_minutes:g} minutes until both have answered {policy.min_rows:,} rows; `simulate` sends some, "
        "`deploy abort` ends it"
    )
    while True:
        with suppress(ServerError):  # one that does not answer now may the next time
            arms.look(environment.statuses())
        production, canary = arms.sums()
        verdict = judge(production, canary, policy)
        if arms.without >= UNSEEN:
            need_canary(version)
            arms.without = 0
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
            if status["versions"][PRODUCTION] is None:  # it is starting
                continue
            if status["versions"][CANARY] != self.version:
                self.without += 1
            elif status["arms"]:
                self.without = 0
                sides = status["arms"]
                self.seen[status["server"]] = Tally(**sides["production"]), Tally(**sides["canary"])

    def sums(self) -> tuple[Tally, Tally]:
        production, canary = Tally(0), Tally(self.version)
        for one, other in self.seen.values():
            production, canary = production + one, canary + other
        return production, canary


def need_canary(version: int) -> None:
    """Raise RefusedError if a version is not the canary any more, saying who has seen to that."""
    with connected() as (client, model, _):
        last = ledger.head(client, model)
    if last and last.state.get(CANARY) != version:
        raise RefusedError(
            f"version {version} is not the canary any more; the last move was {last.action} of version {last.version} to "
            f"{last.alias} by {last.who} ({last.reason}), and version {last.state[PRODUCTION]} is in production"
        )


def say(text: str) -> None:
    """Say what was done. If nobody listens any more, that is no reason to undo it."""
    try:
        print(f"deploy: {text}", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
