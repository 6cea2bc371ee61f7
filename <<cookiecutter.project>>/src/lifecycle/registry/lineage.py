"""From a version to the commands that rebuild it, and from a commit to its version."""

import json
from typing import TYPE_CHECKING

from lifecycle.core import version_code
from lifecycle.core.dvc_files import stages_at
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.git import commit_of
from lifecycle.core.tracking import MODEL_HASH, lock_hash
from lifecycle.registry import ledger
from lifecycle.registry.aliases import ALIASES, find, state
from lifecycle.registry.moves import STAGING_CHECKS
from lifecycle.registry.registration import existing_version

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

SHORTEST_COMMIT = 7  # digits; fewer are a version's number


def version_of(client: "MlflowClient", model: str, which: str) -> "ModelVersion":
    """Return the version that a number, an alias or a git revision names: the one made from that commit's dvc.lock and code.

    Raises ConfigError if there is no such version or revision; RefusedError if no version has that alias, or was made
    from that commit's dvc.lock and code.
    """
    last = ledger.head(client, model)
    now = state(client, model, last)
    if which in ALIASES:
        if now[which] is None:
            raise RefusedError(f"no version of {model} is {which}")
        which = str(now[which])
    if which.isdecimal() and len(which) < SHORTEST_COMMIT:
        version = find(client, model, int(which), last)
        if not version:
            raise ConfigError(f"MLflow has no version {which} of {model}, or has it no more: see history")
        return version
    commit = commit_of(which, "version")
    lock = lock_hash(stages_at(commit))
    version = existing_version(client, model, now, lock, version_code.hash_at(commit))
    if not version:
        raise RefusedError(
            f"no version of {model} was registered with the dvc.lock and the code of commit {commit[:9]}"
        )
    return version


def describe(client: "MlflowClient", model: str, version: "ModelVersion") -> str:
    """Return what a version was made from, and the commands that restore it, a line each."""
    now = state(client, model, ledger.head(client, model))
    tags = version.tags
    aliases = [alias for alias in ALIASES if now[alias] == int(version.version)]
    metrics = json.loads(tags.get("metrics", "{}"))
    details = {
        "commit": tags.get("git.commit"),
        "dataset": f"{tags.get('data.path')}, md5 {tags.get('data.md5')}",
        "model": f"models/model.skops, sha256 {tags.get(MODEL_HASH)}",
        "code": f"src, params.yaml and contract.yaml, sha256 {tags.get(version_code.CODE_HASH)}",
        "metrics": ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()),
        "gate": tags.get("gate.reason"),
        "checks": tags.get(STAGING_CHECKS, "not run"),
        "run": version.run_id,
    }
    return "\n".join(
        [
            f"version {version.version} of {model}: {', '.join(aliases) or 'no alias'}",
            *(f"  {name:<9} {value}" for name, value in details.items()),
            "",
            "To fetch its files from DVC's storage, if they were pushed (dvc push), in a clone after make setup:",
            f"  git checkout {tags.get('git.commit')}",
            "  dvc pull",
            "To rebuild them, byte for byte (ignore what DVC says of missing files):",
            f"  git checkout {tags.get('git.commit')}",
            "  dvc repro --pull",
        ]
    )
