"""Keeps a server in step with the registry: asks it who has which alias, loads what is new beside what is served, exchanges them.

Nothing here is on the way of a request. A version that does not load leaves the old one serving; a registry that does not answer
leaves everything as it is, and at the start brings back what was served last, from the cache.
"""

import asyncio
import datetime
import gc
import sys
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lifecycle.core.config import Params
from lifecycle.core.errors import DataError, ProjectError
from lifecycle.registry.aliases import CANARY, PRODUCTION, SHADOW, Held
from lifecycle.serving.batcher import Served
from lifecycle.serving.model_process import ModelError, ModelProcess, Workers
from lifecycle.serving.model_source import NOT_ASKED, REACHABLE, Source
from lifecycle.serving.router import Roles, Router
from lifecycle.serving.settings import Server

AGAIN = 30.0  # seconds after which a version that did not load is tried once more


@dataclass
class Watcher:
    """Watches the registry for one server."""

    params: Params
    settings: Server
    alias: str
    router: Router
    columns: set[str]
    """Of the contract: a model that needs another one cannot be served."""
    source: Source
    workers: Workers = field(default_factory=Workers)
    failed: dict[tuple[int, bool], tuple[float, str]] = field(default_factory=dict)
    started: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    folders: dict[int, Path] = field(default_factory=dict)
    told: bool = False  # that there is nothing to be served
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Watch as long as the app runs."""
        watching = asyncio.create_task(self.watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            for served in self.router.exchange(Roles()):
                await served.close()
            await asyncio.gather(*self.tasks)
            self.workers.close()
            self.router.account.log.close()

    async def watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # a mistake of ours: the server goes on as it is, and whoever runs it has to hear of it
                traceback.print_exc()
            await asyncio.sleep(self.settings.poll_seconds)

    async def look(self) -> None:
        """Ask the registry once, and serve what it says."""
        answering, before = self.router.roles.answering, self.source.state
        wanted = await asyncio.to_thread(self.source.wanted, answering.version if answering else None)
        if self.source.state != before and (self.source.state != REACHABLE or before != NOT_ASKED):
            self.say(f"MLflow is {self.source.state}")
        self.router.account.counters.reachable.set(self.source.state == REACHABLE)
        if wanted is not None:
            await self.serve(wanted)
            if self.router.roles.answering:
                await asyncio.to_thread(self.source.keep, wanted)

    async def serve(self, wanted: Held) -> None:
        """Load what is wanted and not served yet, then exchange all roles at once."""
        now = self.router.roles
        self.failed = {key: said for key, said in self.failed.items() if key[0] in wanted.aliases.values()}
        answering = await self._get(wanted.aliases.get(self.alias), False, now.answering)
        tried = wanted.aliases if self.alias == PRODUCTION else {}
        canary = await self._get(tried.get(CANARY), False, None)
        shadow = await self._get(tried.get(SHADOW), True, None)
        roles = Roles(answering, canary if canary is not answering else None, wanted.percent, shadow)
        if roles == now:
            if not answering and not self.told and not self.failed:
                self.told = True
                self.say(f"no version is {self.alias} yet: it is served as soon as there is one")
            return
        for served in self.router.exchange(roles):
            task = asyncio.create_task(served.close())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        parts = [
            (self.alias, answering, ""),
            (CANARY, roles.canary, f" for {wanted.percent}% of the rows"),
            (SHADOW, shadow, ""),
        ]
        self.say(
            "; ".join(f"{role} is version {served.version}{more}" for role, served, more in parts if served)
            or f"no version is {self.alias}"
        )
        self.source.prune({self.folders[served.version] for served in roles.served})
        gc.collect()
        gc.freeze()  # what is imported by now stays, and looking through it again would keep requests waiting

    async def _get(self, version: int | None, idle: bool, otherwise: Served | None) -> Served | None:
        """Return a version, loaded; or what is to be served otherwise, if it does not load."""
        if version is None:
            return None
        now = self.router.roles
        running = [now.shadow] if idle else [now.answering, now.canary]
        if found := next((served for served in running if served and served.version == version), None):
            return found
        since, _ = self.failed.get((version, idle), (0.0, ""))
        if since and time.monotonic() < since + AGAIN:
            return otherwise
        try:
            served = Served(version, partial(self._load, version, idle), self.router.account.write, self._lost)
            await served.start()
            if unfit := self._unfit(served.about):
                await served.close()
                raise DataError(unfit)
        except (ProjectError, ModelError) as error:
            self.failed[version, idle] = time.monotonic(), f"version {version}: {error}"
            self.say(f"version {version} is not served: {error}")
            return otherwise
        self.failed.pop((version, idle), None)
        return served

    def _unfit(self, about: dict[str, Any]) -> str | None:
        """Why a version cannot answer what this server lets itself be asked, if it cannot."""
        if (about["task"], about["target"]) != (self.params.task, self.params.data.target):
            return (
                f"it is a model of {about['target']} ({about['task']}), this server's params.yaml says "
                f"{self.params.data.target} ({self.params.task}): start the server from the version's commit"
            )
        if lacking := set(about["inputs"]) - self.columns:
            names = ", ".join(sorted(lacking))
            return f"it needs column {names}, which this server's contract.yaml does not have: start it from the version's commit"
        return None

    def _lost(self, served: Served) -> None:
        self.router.account.counters.lost.labels(str(served.version)).inc()
        self.say(
            f"the process of version {served.version} is gone: it crashed, or hung and was stopped; a new one is started"
        )

    async def _load(self, version: int, idle: bool) -> ModelProcess:
        """Start a process for a version, of files that are there and right at this moment."""
        self.folders[version] = await asyncio.to_thread(self.source.fetch, version)
        return await ModelProcess.load(self.workers, self.folders[version], self.settings.timeout_seconds, idle)

    def say(self, text: str) -> None:
        """Tell whoever runs the server."""
        print(f"serve: {' '.join(text.split())}", file=sys.stderr, flush=True)
