"""What a server says of itself: everything to those who know the token, and to anybody whether it is ready."""

import os
from typing import Any

from lifecycle.serving.answer_recorder import CANARY, SHADOW
from lifecycle.serving.model_source import REACHABLE
from lifecycle.serving.registry_watcher import Watcher


def problems(watcher: Watcher) -> list[str]:
    """Return what is wrong, a sentence each, for those who know the token."""
    roles, log = watcher.router.roles, watcher.router.account.log
    found = [] if watcher.source.state == REACHABLE else [f"MLflow is {watcher.source.state}"]
    found += [log.problem] if log.problem else []
    found += [served.problem for served in roles.served if served.problem]
    return found + [f"{said}; it is tried again" for _, said in watcher.failed.values()]


def readiness(watcher: Watcher) -> tuple[bool, list[str]]:
    """Return whether a prediction would be answered, and what is wrong in words that anybody may read."""
    answering, log = watcher.router.roles.answering, watcher.router.account.log
    wrong = {
        f"no version is {watcher.alias}": watcher.told and not answering,
        "no model is loaded yet": not watcher.told and not answering,
        "the model has no process": bool(answering and answering.problem),
        "the prediction log cannot be written": bool(log.problem),
    }
    found = [said for said, true in wrong.items() if true]
    also = {
        "the registry does not say what to serve": watcher.source.state != REACHABLE,
        "a version cannot be loaded": bool(watcher.failed),
    }
    return not found, found + [said for said, true in also.items() if true]


def status(watcher: Watcher) -> dict[str, Any]:
    """Return what is served, and what a canary and production have answered since it began."""
    roles, account = watcher.router.roles, watcher.router.account
    served = {watcher.alias: roles.answering, CANARY: roles.canary, SHADOW: roles.shadow}
    arms = account.arms
    return {
        "model": watcher.params.track.model,
        "server": account.log.server,
        "pid": os.getpid(),
        "started": watcher.started,
        "registry": watcher.source.state,
        "problems": problems(watcher),
        "versions": {role: found.version if found else None for role, found in served.items()},
        "canary_percent": roles.percent if roles.canary else 0,
        "arms": {"production": arms.production.as_json(), "canary": arms.canary.as_json()} if arms else None,
    }
