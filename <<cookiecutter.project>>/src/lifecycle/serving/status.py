"""What a server reports about itself: all of it to clients with the token, its readiness to anybody."""

import os
from typing import Any

from lifecycle.registry.aliases import CANARY, SHADOW
from lifecycle.serving.drain_state import DrainState
from lifecycle.serving.model_source import REACHABLE
from lifecycle.serving.registry_watcher import RegistryWatcher


def problems(watcher: RegistryWatcher) -> list[str]:
    """Return what is wrong, a sentence each, for clients with the token."""
    log = watcher.router.recorder.log
    registry = [] if watcher.source.state == REACHABLE else [f"MLflow is {watcher.source.state}"]
    log_problem = [log.problem] if log.problem else []
    processes = [served.problem for served in watcher.router.roles.served if served.problem]
    failures = [f"version {version}: {failure.error}; retrying" for version, failure in watcher.load_failures]
    return registry + log_problem + processes + failures


def readiness(watcher: RegistryWatcher, drain: DrainState) -> tuple[bool, list[str]]:
    """Return whether to send requests here, and what is wrong in words that anybody may read."""
    answering, log = watcher.router.roles.answering, watcher.router.recorder.log
    blocking = {
        f"no version has the alias {watcher.alias}": watcher.alias_missing and not answering,
        "no model is loaded yet": not watcher.alias_missing and not answering,
        "the model's process is not running": bool(answering and answering.problem),
        "the prediction log cannot be written": bool(log.problem),
        "the server is stopping": drain.stopping,
    }
    warnings = {
        "the registry does not say what to serve": watcher.source.state != REACHABLE,
        "a version cannot be loaded": len(watcher.load_failures) > 0,
    }
    return not any(blocking.values()), [text for text, holds in (blocking | warnings).items() if holds]


def status(watcher: RegistryWatcher) -> dict[str, Any]:
    """Return what is served, and what a canary and production have answered since the canary began."""
    roles, recorder = watcher.router.roles, watcher.router.recorder
    by_role = {watcher.alias: roles.answering, CANARY: roles.canary, SHADOW: roles.shadow}
    arms = recorder.arms
    return {
        "model": watcher.params.track.model,
        "server": recorder.log.server,
        "pid": os.getpid(),
        "started": watcher.started,
        "registry": watcher.source.state,
        "problems": problems(watcher),
        "versions": {role: served.version if served else None for role, served in by_role.items()},
        "load_failures": watcher.load_failures.as_json(),
        "environment": {str(served.version): served.environment for served in roles.served if served.environment},
        "canary_percent": roles.percent if roles.canary else 0,
        "arms": {"production": arms.production.as_json(), "canary": arms.canary.as_json()} if arms else None,
    }
