"""From a version to what rebuilds it, and from a commit to its version."""

import json
from typing import Any

from lifecycle.core import config
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.files import parse_yaml
from lifecycle.core.git import commit_of, text_at
from lifecycle.core.tracking import MODEL_HASH, lock_hash
from lifecycle.registry import ledger
from lifecycle.registry.aliases import ALIASES, find, state
from lifecycle.registry.moves import CHECKS
from lifecycle.registry.registration import equal

SHORTEST_COMMIT = 7  # digits; fewer are a version's number


def version_of(client: Any, model: str, which: str) -> Any:
    """Return the version that a number, an alias or a git revision names: the one of that commit's dvc.lock.

    Raises ConfigError if there is no such version or revision; RefusedError if no version has that alias, or was made
    of what that commit says.
    """
    last = ledger.head(client, model)
    now = state(client, model, last)
    if which in ALIASES:
        held = now[which]
        if held is None:
            raise RefusedError(f"no version of {model} is {which}")
        which = str(held)
    if which.isdecimal() and len(which) < SHORTEST_COMMIT:
        found = find(client, model, int(which), last)
        if not found:
            raise ConfigError(f"MLflow has no version {which} of {model} (any more): see history")
        return found
    commit = commit_of(which, "version")
    lock = lock_hash(parse_yaml(text_at(commit, config.LOCK) or "{}", str(config.LOCK)))
    found = equal(client, model, now, lock)
    if not found:
        raise RefusedError(f"no version of {model} was registered with the dvc.lock of commit {commit[:9]}")
    return found


def describe(client: Any, model: str, version: Any) -> str:
    """Return what a version is, and the commands that bring it back, a line each."""
    now = state(client, model, ledger.head(client, model))
    tags = version.tags
    held = [alias for alias in ALIASES if now[alias] == int(version.version)]
    metrics = json.loads(tags.get("metrics", "{}"))
    facts = {
        "commit": tags.get("git.commit"),
        "dataset": f"{tags.get('data.path')}, md5 {tags.get('data.md5')}",
        "model": f"models/model.skops, sha256 {tags.get(MODEL_HASH)}",
        "metrics": ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()),
        "gate": tags.get("gate.reason"),
        "checks": tags.get(CHECKS, "not run"),
        "run": version.run_id,
    }
    lines = [f"version {version.version} of {model}: {', '.join(held) or 'no alias'}"]
    lines += [f"  {name:<9} {value}" for name, value in facts.items()]
    return "\n".join(
        [
            *lines,
            "",
            "To get its very files from DVC's storage, if they were pushed (dvc push), in a clone after make setup:",
            f"  git checkout {tags.get('git.commit')}",
            "  dvc pull",
            "To make them anew, to the same bytes (what DVC says of missing files does not matter):",
            f"  git checkout {tags.get('git.commit')}",
            "  dvc repro --pull",
        ]
    )
