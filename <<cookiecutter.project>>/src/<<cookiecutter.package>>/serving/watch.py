"""Keeps a server in step with the registry: asks it who has which alias, loads what is new beside what is served, exchanges them.

Nothing here is on the way of a request. A version that does not load leaves the old one serving; a registry that does not answer
leaves everything as it is, and at the start brings back what was served last, from the cache.
"""

import asyncio
import datetime
import gc
import json
import os
import sys
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from << cookiecutter.package >>.config import Params
from << cookiecutter.package >>.errors import DataError, ProjectError
from << cookiecutter.package >>.files import write_json
from << cookiecutter.package >>.release import artifacts
from << cookiecutter.package >>.release.aliases import CANARY, PRODUCTION, SHADOW, Held, held
from << cookiecutter.package >>.serving.process import ModelError, ModelProcess, Workers
from << cookiecutter.package >>.serving.router import Roles, Router
from << cookiecutter.package >>.serving.served import Served
from << cookiecutter.package >>.serving.settings import Server
from << cookiecutter.package >>.tracking import store

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
    workers: Workers = field(default_factory=Workers)
    registry: str = "not asked yet"
    """`reachable`, or what is wrong."""
    failed: dict[tuple[int, bool], tuple[float, str]] = field(default_factory=dict)
    connected: bool = False
    started: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    folders: dict[int, Path] = field(default_factory=dict)
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
            self.router.log.close()

    async def watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # a mistake of ours: the server goes on as it is, and whoever runs it has to hear of it
                traceback.print_exc()
            await asyncio.sleep(self.settings.poll_seconds)

    async def look(self) -> None:
        """Ask the registry once, and serve what it says."""
        last = self.settings.cache / f"{self.alias}.json"
        try:
            wanted = await asyncio.to_thread(self._ask)
            self.connected, registry = True, "reachable"
        except ProjectError as error:
            registry = f"unreachable: {error}"
            if self.router.roles.answering or not last.exists():
                wanted = None
            else:
                wanted = Held(**json.loads(last.read_text()))
                registry = f"{registry}; serving what was served last, from {self.settings.cache}"
        if registry != self.registry and (registry != "reachable" or self.registry != "not asked yet"):
            self.say(f"MLflow is {registry}")
        self.registry = registry
        self.router.counters.reachable.set(registry == "reachable")
        if wanted is not None and await self.serve(wanted) and registry == "reachable":
            await asyncio.to_thread(write_json, wanted.as_json(), last)

    def _ask(self) -> Held:
        with store(self.params, "what is served now goes on", alone=not self.connected) as client:
            return held(client, self.params.track.model) or Held({})

    async def serve(self, wanted: Held) -> bool:
        """Load what is wanted and not served yet, then exchange all roles at once. Returns whether anything changed."""
        now = self.router.roles
        self.failed = {key: said for key, said in self.failed.items() if key[0] in wanted.aliases.values()}
        answering = await self._get(wanted.aliases.get(self.alias), False, now.answering)
        tried = wanted.aliases if self.alias == PRODUCTION else {}
        canary = await self._get(tried.get(CANARY), False, None)
        shadow = await self._get(tried.get(SHADOW), True, None)
        roles = Roles(answering, canary if canary is not answering else None, wanted.percent, shadow)
        if roles == now:
            return False
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
        artifacts.prune(self.settings.cache, {self.folders[served.version] for served in roles.served})
        gc.collect()
        gc.freeze()  # what is imported by now stays, and looking through it again would keep requests waiting
        return True

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
            folder = await asyncio.to_thread(self._fetch, version)
            load = partial(ModelProcess.load, self.workers, folder, self.settings.timeout_seconds, idle)
            served = Served(version, load, self.router.account)
            await served.start()
            if lacking := set(served.inputs) - self.columns:
                await served.close()
                raise DataError(
                    f"it needs column {', '.join(sorted(lacking))}, which this server's contract.yaml does not have"
                )
        except (ProjectError, ModelError) as error:
            self.failed[version, idle] = time.monotonic(), f"version {version}: {error}"
            self.say(f"version {version} is not served: {error}")
            return otherwise
        self.failed.pop((version, idle), None)
        self.folders[version] = folder
        return served

    def _fetch(self, version: int) -> Path:
        if not self.connected:
            return artifacts.cached(version, self.settings.cache)
        with store(self.params, "what is served goes on", alone=False) as client:
            return artifacts.fetch(client, self.params.track.model, version, self.settings.cache)

    def problems(self) -> list[str]:
        """Return what is wrong, a sentence each."""
        found = [] if self.registry == "reachable" else [f"MLflow is {self.registry}"]
        found += [self.router.log.problem] if self.router.log.problem else []
        return found + [f"{said}; it is tried again" for _, said in self.failed.values()]

    def status(self) -> dict[str, Any]:
        """Return what is served, and what a canary and production have answered since it began."""
        roles = self.router.roles
        served = {self.alias: roles.answering, CANARY: roles.canary, SHADOW: roles.shadow}
        arms = self.router.arms
        return {
            "model": self.params.track.model,
            "server": self.router.log.server,
            "pid": os.getpid(),
            "started": self.started,
            "registry": self.registry,
            "problems": self.problems(),
            "versions": {role: found.version if found else None for role, found in served.items()},
            "canary_percent": roles.percent if roles.canary else 0,
            "arms": {"production": arms.production.as_json(), "canary": arms.canary.as_json()} if arms else None,
        }

    def say(self, text: str) -> None:
        """Tell whoever runs the server."""
        print(f"serve: {' '.join(text.split())}", file=sys.stderr, flush=True)
