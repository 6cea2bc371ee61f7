"""Keeps a server in step with the registry: polls the aliases, loads new versions beside those that are served, replaces the roles.

No request waits for any of this. A version that does not load leaves the old one serving. A registry that does not answer leaves
everything as it is; a server that starts then serves from its cache what was served last.
"""

import asyncio
import datetime
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lifecycle.core import package_versions
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError, ProjectError
from lifecycle.registry.aliases import CANARY, PRODUCTION, SHADOW, Held
from lifecycle.serving.batcher import ServedVersion
from lifecycle.serving.load_failures import LoadFailures
from lifecycle.serving.model_process import ForkServer, ModelError, ModelProcess
from lifecycle.serving.model_source import NOT_ASKED, REACHABLE, ModelSource
from lifecycle.serving.router import Roles, Router
from lifecycle.serving.server_log import report
from lifecycle.serving.settings import Server

IDLE_PATIENCE = 10  # times `timeout_seconds` for a shadow: no client waits for it, and it gets only what others leave of the machine


@dataclass
class RegistryWatcher:
    """Watches the registry for one server."""

    params: Params
    settings: Server
    alias: str
    router: Router
    columns: set[str]
    """Of the contract: a model that needs any other cannot be served."""
    source: ModelSource
    fork_server: ForkServer = field(default_factory=ForkServer)
    load_failures: LoadFailures = field(default_factory=LoadFailures)
    started: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    folders: dict[int, Path] = field(default_factory=dict)
    alias_missing: bool = False
    """Whether the registry was seen to have no version to serve; said once."""
    closing: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch until the block ends; then end the processes of all versions."""
        watching = asyncio.create_task(self.watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            for served in self.router.replace_roles(Roles()):
                await served.close()
            await asyncio.gather(*self.closing)
            self.fork_server.close()
            self.router.recorder.log.close()

    @property
    def settled(self) -> bool:
        """Whether what the registry says is served: a version, or that there is none yet."""
        return self.router.roles.answering is not None or self.alias_missing

    async def watch(self) -> None:
        while True:
            try:
                await self.poll()
            except Exception as error:  # our mistake: the server goes on as it is
                report("poll_failed", "the registry could not be followed this time", logging.ERROR, error)
            await asyncio.sleep(self.settings.poll_seconds)

    async def poll(self) -> None:
        """Ask the registry once, and serve what it says."""
        answering, before = self.router.roles.answering, self.source.state
        target = await asyncio.to_thread(self.source.target, answering.version if answering else None)
        if self.source.state != before and (self.source.state != REACHABLE or before != NOT_ASKED):
            level = logging.INFO if self.source.state == REACHABLE else logging.WARNING
            report("registry_state", f"MLflow is {self.source.state}", level)
        self.router.recorder.metrics.reachable.set(self.source.state == REACHABLE)
        if target is not None:
            await self.serve(target)
            if self.router.roles.answering:
                await asyncio.to_thread(self.source.remember, target)

    async def serve(self, target: Held) -> None:
        """Load the versions that are not served yet, then replace all roles at once."""
        now = self.router.roles
        trials = target.aliases if self.alias == PRODUCTION else {}
        self.load_failures.keep(
            {(target.aliases.get(self.alias), False), (trials.get(CANARY), False), (trials.get(SHADOW), True)}
        )
        answering = await self._get(target.aliases.get(self.alias), False, now.answering)
        canary = await self._get(trials.get(CANARY), False, None)
        shadow = await self._get(trials.get(SHADOW), True, None)
        roles = Roles(answering, canary if canary is not answering else None, target.percent, shadow)
        if roles == now:
            if not answering and not self.alias_missing and not self.load_failures:
                self.alias_missing = True
                message = f"no version has the alias {self.alias} yet; the first one to get it will be served"
                report("no_version", message, logging.WARNING, role=self.alias)
            return
        for served in self.router.replace_roles(roles):
            task = asyncio.create_task(served.close())
            self.closing.add(task)
            task.add_done_callback(self.closing.discard)
        self._report_roles(roles)
        self.source.prune({self.folders[served.version] for served in roles.served})
        gc.collect()
        gc.freeze()  # modules stay: collecting them again and again would make requests wait

    def _report_roles(self, roles: Roles) -> None:
        by_role = [
            (self.alias, roles.answering, ""),
            (CANARY, roles.canary, f" for {roles.percent}% of the rows"),
            (SHADOW, roles.shadow, ""),
        ]
        texts = [f"{role} is version {served.version}{share}" for role, served, share in by_role if served]
        versions = {role: served.version for role, served, _ in by_role if served}
        message = "; ".join(texts) or f"no version has the alias {self.alias}"
        report("roles_changed", message, versions=versions, canary_percent=roles.percent if roles.canary else 0)

    async def _get(self, version: int | None, idle: bool, fallback: ServedVersion | None) -> ServedVersion | None:
        """Return a version, loaded; the fallback if it does not load."""
        if version is None:
            return None
        now = self.router.roles
        for served in [now.shadow] if idle else [now.answering, now.canary]:
            if served and served.version == version:
                return served
        if not self.load_failures.may_try(version, idle):
            return fallback
        try:
            served = ServedVersion(version, partial(self._load, version, idle), self.router.recorder.record, self._lost)
            await served.start()
            if reason := self._incompatible(served.metadata):
                await served.close()
                raise DataError(reason)
        except (ProjectError, ModelError) as error:
            if self.load_failures.add(version, idle, str(error)):
                message = f"version {version} is not served: {error}"
                report("version_not_loaded", message, logging.ERROR, version=version)
            return fallback
        self.load_failures.remove(version, idle)
        served.environment = await asyncio.to_thread(package_versions.differences_from_version, self.folders[version])
        for difference in served.environment:
            report("environment_differs", f"version {version}: {difference}", logging.WARNING, version=version)
        return served

    def _incompatible(self, metadata: dict[str, Any]) -> str | None:
        """Why a version cannot answer the requests that this server accepts, if it cannot."""
        if (metadata["task"], metadata["target"]) != (self.params.task, self.params.data.target):
            return (
                f"it is a model of {metadata['target']} ({metadata['task']}), this server's params.yaml says "
                f"{self.params.data.target} ({self.params.task}): start the server from the version's commit"
            )
        if missing := set(metadata["inputs"]) - self.columns:
            names = ", ".join(sorted(missing))
            return f"it needs column {names}, which this server's contract.yaml does not have: start it from the version's commit"
        return None

    def _lost(self, served: ServedVersion) -> None:
        self.router.recorder.metrics.lost_processes.labels(str(served.version)).inc()
        message = (
            f"the process of version {served.version} is gone: it crashed, or hung and was stopped; starting a new one"
        )
        report("process_lost", message, logging.ERROR, version=served.version)

    async def _load(self, version: int, idle: bool) -> ModelProcess:
        """Start a process for a version, from files that are verified at this moment."""
        self.folders[version] = await asyncio.to_thread(self.source.fetch, version)
        seconds = self.settings.timeout_seconds * (IDLE_PATIENCE if idle else 1)
        return await ModelProcess.load(self.fork_server, self.folders[version], seconds, idle)
