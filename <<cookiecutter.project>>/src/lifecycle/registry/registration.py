"""How a model becomes a version: only if the gate has passed exactly its bytes, its dvc.lock and the code it answers with."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lifecycle.core import config, version_code
from lifecycle.core.config import Params
from lifecycle.core.dvc_files import Stages, metrics_of, stages_at, stages_here
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.files import file_hash
from lifecycle.core.git import git, text_at
from lifecycle.core.tracking import COMPLETE, LOCK_HASH, MODEL_HASH, MODEL_ID, lock_hash, run_of
from lifecycle.core.version_code import CODE_HASH
from lifecycle.registry import ledger, signatures
from lifecycle.registry.aliases import CANDIDATE, state
from lifecycle.registry.artifact_store import download
from lifecycle.registry.ledger import State
from lifecycle.registry.moves import move
from lifecycle.registry.signatures import SIGNATURE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion


def register(client: "MlflowClient", params: Params) -> tuple[int, bool]:
    """Make the model in models/ a version with the alias `candidate`, once.

    Returns its number, and whether anything was done. Raises RefusedError unless the gate has passed this model with this
    dvc.lock and this code; ConfigError if there is no model, no run of it, or dvc.lock or the code are not committed.
    """
    if not config.MODEL.exists():
        raise ConfigError(f"{config.MODEL}: no such file; `dvc checkout` restores it, `dvc repro` makes it")
    model, lock = file_hash(config.MODEL), stages_here()
    code = version_code.hash_here(params.package)
    _require_commit(lock_hash(lock), code)
    run = _gated_run(client, params, model, lock_hash(lock), code)
    tags = _tags(params, run, model, lock)
    name = params.track.model
    _create(client, name, f"{params.track.experiment}: see its aliases")
    _create(
        client, ledger.ledger_of(name), f"The moves of {name}, one a version. Written only by the commands of its repo."
    )
    last = ledger.head(client, name)
    now = state(client, name, last)
    version = existing_version(client, name, now, lock_hash(lock), code)
    if not version:
        logged = run.data.tags[MODEL_ID]
        version = client.create_model_version(
            name, f"models:/{logged}", run_id=run.info.run_id, tags=tags, model_id=logged
        )
    number, key = int(version.version), signatures.private_key()
    if key and SIGNATURE not in version.tags:
        with tempfile.TemporaryDirectory() as folder:
            signatures.sign(client, version, Path(download(name, number, folder)), key)
    if number <= (now[CANDIDATE] or 0):
        return number, False
    move(client, name, last, "register", CANDIDATE, number, "passed the gate")
    return number, True


def existing_version(
    client: "MlflowClient", model: str, now: State, lock: str, code: str | None
) -> "ModelVersion | None":
    """Return the version made from a dvc.lock that answers with some code, or None.

    Simultaneous registrations may leave several: then the newest that has an alias, or else the newest.

    Args:
        client: of the registry.
        model: the model's name there.
        now: alias → version.
        lock: the hash of dvc.lock.
        code: the hash of the code.
    """
    where = f"name = '{model}' and tags.`{LOCK_HASH}` = '{lock}'"
    of_lock = client.search_model_versions(where, max_results=100, order_by=["version_number DESC"])
    versions = [version for version in of_lock if version.tags.get(CODE_HASH) == code]
    with_alias = [version for version in versions if int(version.version) in now.values()]
    return next(iter(with_alias or versions), None)


def _require_commit(lock: str, code: str) -> None:
    """Raise ConfigError unless dvc.lock and the code are those of the last commit, by which the version can be made again."""
    if lock_hash(stages_at("HEAD", "the last commit")) != lock:
        raise ConfigError(f"{config.LOCK} differs from the commit: commit it, so that the version can be made again")
    if version_code.hash_at("HEAD") != code:
        raise ConfigError(
            f"src, {config.PARAMS} or {config.CONTRACT} differ from the commit: commit them, so that the version can be made again"
        )


def _gated_run(client: "MlflowClient", params: Params, model: str, lock: str, code: str) -> "Run":
    """The model's run, if the gate has passed it."""
    run = run_of(client, params, model)
    if not run or not {COMPLETE, MODEL_ID} <= run.data.tags.keys():
        raise ConfigError("MLflow has no complete run of the model in models/: `make track` logs it, then `make gate`")
    tags = run.data.tags
    if tags.get(CODE_HASH) != code:
        raise ConfigError(
            "MLflow has the model in models/ with other code than this checkout's: `make track` logs it anew, then `make gate`"
        )
    if "gate.verdict" not in tags:
        raise RefusedError("the gate has not checked the model in models/: `make gate` first")
    if tags["gate.verdict"] != "pass":
        raise RefusedError(f"the gate has not passed the model in models/: {tags['gate.reason']}")
    if tags.get(f"gate.{LOCK_HASH}") != lock:
        raise RefusedError(f"the gate has passed this model, but with another {config.LOCK}: `make gate` again")
    if tags.get(f"gate.{CODE_HASH}") != code:
        raise RefusedError("the gate has passed this model, but with other code: `make gate` again")
    return run


def _tags(params: Params, run: "Run", model: str, lock: Stages) -> dict[str, str]:
    """The tags of a version: what it was made from, and the gate's verdict."""
    metrics = text_at("HEAD", config.METRICS / "test.json")
    deps = lock.get("data", {}).get("deps", [])
    raw = next((item for item in deps if item["path"] == str(params.data.raw) and "md5" in item), None)
    if not raw or not metrics:
        raise ConfigError(
            f"{config.LOCK} of the commit does not match its params.yaml or metrics: `make repro`, then commit"
        )
    return {
        MODEL_HASH: model,
        LOCK_HASH: lock_hash(lock),
        "git.commit": git("rev-parse", "HEAD").strip(),
        "data.path": raw["path"],
        "data.md5": raw["md5"],
        "metrics": json.dumps(metrics_of(metrics, "metrics/test.json of the last commit")),
        **{key: value for key, value in run.data.tags.items() if key.startswith("gate.") or key == CODE_HASH},
    }


def _create(client: "MlflowClient", name: str, description: str) -> None:
    """Create a registered model unless it exists."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
