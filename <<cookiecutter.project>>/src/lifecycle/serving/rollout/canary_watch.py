"""Watch a canary: add up what its servers report until there is a verdict, time is up, or somebody else has ended it."""

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lifecycle.core.errors import RefusedError
from lifecycle.registry import ledger
from lifecycle.registry.aliases import CANARY, PRODUCTION
from lifecycle.registry.connection import connected
from lifecycle.serving.canary_stats import ArmStats
from lifecycle.serving.client import ServerError
from lifecycle.serving.rollout.canary_analysis import ABORT, PROMOTE, Verdict, judge
from lifecycle.serving.rollout.environment import Environment
from lifecycle.serving.settings import Canary

MAX_UNSEEN = 3  # reports of servers without the canary, after which the registry is asked whether there still is one
REPORT_SECONDS = 10.0  # between two lines about the canary


def watch(environment: Environment, version: int) -> Verdict:
    """Watch a canary until there is a verdict or time is up. Raises RefusedError if it is no longer the canary."""
    policy: Canary = environment.serving.canary
    deadline, next_report, reported = time.monotonic() + 60 * policy.wait_minutes, 0.0, ""
    reports = ArmReports(version)
    report(
        f"waiting up to {policy.wait_minutes:g} minutes until both have answered {policy.min_rows:,} rows; `simulate` sends some, "
        "`deploy abort` ends the canary"
    )
    while True:
        with suppress(ServerError):  # a server that does not answer now may do so the next time
            reports.update(environment.statuses())
        verdict = judge(*reports.totals(), policy)
        if reports.unseen >= MAX_UNSEEN:
            require_canary(version)
            reports.unseen = 0
        if verdict.decision in (PROMOTE, ABORT) or time.monotonic() > deadline:
            return verdict
        reasons = "; ".join(verdict.reasons)
        if time.monotonic() > next_report and reasons != reported:
            report(f"waiting: {reasons}")
            reported = reasons
            next_report = time.monotonic() + REPORT_SECONDS
        time.sleep(min(1.0, environment.serving.server.poll_seconds))


@dataclass
class ArmReports:
    """The latest statistics of production and canary from each server."""

    version: int
    by_server: dict[str, tuple[ArmStats, ArmStats]] = field(default_factory=dict)
    unseen: int = 0
    """Reports in a row of servers that do not serve the canary."""

    def update(self, statuses: list[dict[str, Any]]) -> None:
        """Take over the reports of some servers: their answers to GET /model."""
        for status in statuses:
            if status["versions"][PRODUCTION] is None:  # it is starting
                continue
            if status["versions"][CANARY] != self.version:
                self.unseen += 1
            elif arms := status["arms"]:
                self.unseen = 0
                self.by_server[status["server"]] = (
                    ArmStats.from_json(arms["production"]),
                    ArmStats.from_json(arms["canary"]),
                )

    def totals(self) -> tuple[ArmStats, ArmStats]:
        """Return the statistics of production and canary, added up over the servers."""
        production, canary = ArmStats(0), ArmStats(self.version)
        for server_production, server_canary in self.by_server.values():
            production, canary = production + server_production, canary + server_canary
        return production, canary


def require_canary(version: int) -> None:
    """Raise RefusedError if a version is no longer the canary, naming the move that ended it."""
    with connected() as (client, model, _):
        last = ledger.head(client, model)
    if last and last.state.get(CANARY) != version:
        raise RefusedError(
            f"version {version} is no longer the canary; the last move was {last.action} of version {last.version} to "
            f"{last.alias} by {last.who} ({last.reason}), and version {last.state[PRODUCTION]} is in production"
        )


def report(text: str) -> None:
    """Print a line. A reader that has gone away, such as `head`, is no reason to undo what was done."""
    try:
        print(f"deploy: {text}", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
