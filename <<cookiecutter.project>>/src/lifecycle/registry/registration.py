"""How a model comes into the registry: only with the gate's verdict on exactly its bytes and its dvc.lock."""

import json
from typing import Any

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.files import file_hash, parse_yaml, read_yaml
from lifecycle.core.git import git, text_at
from lifecycle.core.tracking import COMPLETE, LOCK_HASH, MODEL_HASH, MODEL_ID, lock_hash, run_of
from lifecycle.core.version_code import CODE_HASH
from lifecycle.registry import ledger
from lifecycle.registry.aliases import CANDIDATE, state
from lifecycle.registry.ledger import State
from lifecycle.registry.moves import move


def register(client: Any, params: Params) -> tuple[int, bool]:
    """Make the model in models/ a version with the alias `candidate`, once.

    Returns its number, and whether anything was done. Raises RefusedError unless the gate has passed this very model with
    this very dvc.lock; ConfigError if there is no model, no run of it, or dvc.lock is not committed.
    """
    if not config.MODEL.exists():
        raise ConfigError(f"{config.MODEL}: no such file; `dvc checkout` restores it, `dvc repro` makes it")
    model, lock = file_hash(config.MODEL), read_yaml(config.LOCK)
    digest = lock_hash(lock)
    if lock_hash(parse_yaml(text_at("HEAD", config.LOCK) or "{}", str(config.LOCK))) != digest:
        raise ConfigError(f"{config.LOCK} is not the committed one: commit it, so that the version can be made again")
    run = _gated_run(client, params, model, digest)
    tags = _tags(params, run, model, lock)
    name = params.track.model
    _create(client, name, f"{params.track.experiment}: see its aliases")
    _create(client, ledger.ledger_of(name), f"The moves of {name}, one a version. Written by its commands only.")
    last = ledger.head(client, name)
    now = state(client, name, last)
    found = equal(client, name, now, digest, run.info.run_id)
    if not found:
        logged = run.data.tags[MODEL_ID]
        found = client.create_model_version(
            name, f"models:/{logged}", run_id=run.info.run_id, tags=tags, model_id=logged
        )
    version = int(found.version)
    if version <= (now[CANDIDATE] or 0):
        return version, False
    move(client, name, last, "register", CANDIDATE, version, "passed the gate")
    return version, True


def equal(client: Any, model: str, now: State, lock: str, run: str | None = None) -> Any:
    """Return the version made of a dvc.lock, of its hash, or None. A race may leave several: then one with an alias.

    The run narrows the search: MLflow finds it faster than a tag.
    """
    where = f"name = '{model}' and " + (f"run_id = '{run}'" if run else f"tags.`{LOCK_HASH}` = '{lock}'")
    newest = client.search_model_versions(where, max_results=100, order_by=["version_number DESC"])
    found = [version for version in newest if version.tags.get(LOCK_HASH) == lock]
    held = [version for version in found if int(version.version) in now.values()]
    return next(iter(held or found), None)


def _gated_run(client: Any, params: Params, model: str, lock: str) -> Any:
    """The model's run, with the gate's verdict on it."""
    run = run_of(client, params, model)
    if not run or not {COMPLETE, MODEL_ID} <= run.data.tags.keys():
        raise ConfigError("MLflow has no complete run of the model in models/: `make track` logs it, then `make gate`")
    tags = run.data.tags
    if "gate.verdict" not in tags:
        raise RefusedError("the gate has not judged the model in models/: `make gate` first")
    if tags["gate.verdict"] != "pass":
        raise RefusedError(f"the gate has not passed the model in models/: {tags['gate.reason']}")
    if tags.get(f"gate.{LOCK_HASH}") != lock:
        raise RefusedError(f"the gate has passed this model, but with another {config.LOCK}: `make gate` again")
    return run


def _tags(params: Params, run: Any, model: str, lock: dict[str, Any]) -> dict[str, str]:
    """What a version carries."""
    metrics = text_at("HEAD", config.METRICS / "test.json")
    raw = [item for item in _stage(lock, "data").get("deps", []) if item["path"] == str(params.data.raw)]
    if not raw or not metrics:
        raise ConfigError(
            f"{config.LOCK} of the commit does not fit its params.yaml or metrics: `make repro`, then commit"
        )
    return {
        MODEL_HASH: model,
        LOCK_HASH: lock_hash(lock),
        "git.commit": git("rev-parse", "HEAD").strip(),
        "data.path": raw[0]["path"],
        "data.md5": raw[0]["md5"],
        "metrics": json.dumps(parse_yaml(metrics, "metrics/test.json of the commit")),
        **{key: value for key, value in run.data.tags.items() if key.startswith("gate.") or key == CODE_HASH},
    }


def _stage(lock: dict[str, Any], name: str) -> dict[str, Any]:
    return stages.get(name, {}) if isinstance(stages := lock.get("stages"), dict) else {}


def _create(client: Any, name: str, description: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
