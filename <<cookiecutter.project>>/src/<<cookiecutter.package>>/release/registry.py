"""The registry: which version of the model is candidate, staging and production, and the rules of moving on.

MLflow's registered model holds the versions. One comes in only with the gate's verdict on exactly its bytes and its
dvc.lock, and goes one step at a time.
"""

import getpass
import os
from typing import Any

from << cookiecutter.package >> import config
from << cookiecutter.package >>.config import Params
from << cookiecutter.package >>.errors import ConfigError, RefusedError
from << cookiecutter.package >>.files import file_hash, parse_yaml, read_yaml
from << cookiecutter.package >>.release import ledger
from << cookiecutter.package >>.release.aliases import (
    CANDIDATE,
    PRODUCTION,
    STAGING,
    align,
    find,
    state,
)
from << cookiecutter.package >>.release.ledger import Move
from << cookiecutter.package >>.release.revisions import git, text_at
from << cookiecutter.package >>.tracking import (
    COMPLETE,
    LOCK_HASH,
    MODEL_HASH,
    experiment_id,
    lock_hash,
)

STEPS = {STAGING: CANDIDATE, PRODUCTION: STAGING}  # what a version must be to be promoted there
CHECKS = "staging.checks"
PASSED = "passed"
LONGEST = 500


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
    name = params.track.model
    _create(client, name, f"{params.track.experiment}: see its aliases")
    _create(client, ledger.ledger_of(name), f"The moves of {name}, one a version. Written by its commands only.")
    align(client, name)
    last = ledger.head(client, name)
    where = f"name = '{name}' and tags.`{MODEL_HASH}` = '{model}' and tags.`{LOCK_HASH}` = '{digest}'"
    found = client.search_model_versions(where, max_results=1, order_by=["version_number ASC"])
    if not found:
        (output,) = run.outputs.model_outputs
        data = next(item for item in lock["stages"]["data"]["deps"] if item["path"] == str(params.data.raw))
        tags = {
            MODEL_HASH: model,
            LOCK_HASH: digest,
            "git.commit": git("rev-parse", "HEAD").strip(),
            "data.path": data["path"],
            "data.md5": data["md5"],
            "metrics": (config.METRICS / "test.json").read_text(encoding="utf-8"),
            **{key: value for key, value in run.data.tags.items() if key.startswith("gate.")},
        }
        found = [
            client.create_model_version(
                name, f"models:/{output.model_id}", run_id=run.info.run_id, tags=tags, model_id=output.model_id
            )
        ]
    version = int(found[0].version)
    if version <= (state(client, name, last)[CANDIDATE] or 0):
        return version, False
    move(client, name, last, "register", CANDIDATE, version, "passed the gate")
    return version, True


def promote(client: Any, model: str, to: str, version: int | None, reason: str) -> Move | None:
    """Move a version one step on: the candidate to staging, or what is in staging to production.

    Returns the move, or None if the version is there already. Raises RefusedError if the version does not stand where it
    would have to, is older than what is in production, or has not passed the checks of staging; ConfigError if there
    is no such version.
    """
    reason = _reason(reason)
    last = ledger.head(client, model)
    now = state(client, model, last)
    origin = STEPS[to]
    version = version or now[origin]
    if version is None:
        raise RefusedError(
            f"no version is {origin}, so none can be promoted to {to}: register comes first, then staging"
        )
    tags = _version(client, model, version).tags
    if version == now[to]:
        return None
    if version < (now[to] or 0):
        raise RefusedError(
            f"version {version} is older than version {now[to]}, which is {to}: going back is what rollback does"
        )
    if version != now[origin]:
        raise RefusedError(
            f"version {version} is not {origin} ({_whose(now[origin])}): a version goes one step at a time, "
            "candidate, staging, production"
        )
    if to == PRODUCTION and not tags.get(CHECKS, "").startswith(PASSED):
        raise RefusedError(
            f"version {version} has not passed the checks of staging: {tags.get(CHECKS, 'run check (make check) first')}"
        )
    return move(client, model, last, "promote", to, version, reason)


def rollback(client: Any, model: str, to: int | None, reason: str) -> Move | None:
    """Put a version back into production: the one before the present one, or any that has been there.

    Returns the move, or None if the version is in production. Raises RefusedError if there is none to go back to, or it has
    never been in production; ConfigError if there is no such version.
    """
    reason = _reason(reason)
    last = ledger.head(client, model)
    now = state(client, model, last)
    if now[PRODUCTION] is None:
        raise RefusedError("no version is in production, so there is nothing to roll back")
    version = to or now["before"]
    if version is None:
        raise RefusedError(f"version {now[PRODUCTION]} is the first in production: there is none to go back to")
    _version(client, model, version)
    if version == now[PRODUCTION]:
        return None
    if not ledger.has_had(client, model, PRODUCTION, version):
        raise RefusedError(f"version {version} has never been in production: what is new is promoted")
    return move(client, model, last, "rollback", PRODUCTION, version, reason)


def move(client: Any, model: str, last: Move | None, action: str, alias: str, version: int, reason: str) -> Move:
    """Write a move that builds upon the last one, then let the aliases follow.

    Raises RefusedError if somebody else has moved since.
    """
    now = state(client, model, last)
    tags = _version(client, model, version).tags
    after = now | {alias: version} | ({"before": now[PRODUCTION]} if alias == PRODUCTION else {})
    record = Move(
        action,
        alias,
        version,
        now[alias],
        reason,
        who(),
        tags.get("git.commit", ""),
        tags.get("gate.reason", ""),
        last.number if last else 0,
        after,
    )
    ledger.append(client, model, record)
    winner = ledger.counted(client, model, record.base)
    if winner.id != record.id:
        raise RefusedError(
            f"{winner.who} was faster: {winner.action} of version {winner.version} to {winner.alias} ({winner.reason}); "
            "this move does not count: look at history, then try again"
        )
    align(client, model)
    return winner


def who() -> str:
    """Return who acts: on GitHub the one who started the workflow, else git's name and address, else the login."""
    if actor := os.environ.get("GITHUB_ACTOR"):
        return actor
    try:
        return git("var", "GIT_COMMITTER_IDENT").rpartition(">")[0] + ">"
    except ConfigError:
        return getpass.getuser()


def _gated_run(client: Any, params: Params, model: str, lock: str) -> Any:
    """The model's run, with the gate's verdict on it."""
    experiment = experiment_id(client, params)
    found = client.search_runs([experiment], f"tags.`{MODEL_HASH}` = '{model}'", max_results=1)
    if not found or found[0].data.tags.get(COMPLETE) != "true":
        raise ConfigError("MLflow has no complete run of the model in models/: `make track` logs it, then `make gate`")
    tags = found[0].data.tags
    if "gate.verdict" not in tags:
        raise RefusedError("the gate has not judged the model in models/: `make gate` first")
    if tags["gate.verdict"] != "pass":
        raise RefusedError(f"the gate has not passed the model in models/: {tags['gate.reason']}")
    if tags.get(f"gate.{LOCK_HASH}") != lock:
        raise RefusedError(f"the gate has passed this model, but with another {config.LOCK}: `make gate` again")
    return found[0]


def _create(client: Any, name: str, description: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _version(client: Any, model: str, version: int) -> Any:
    found = find(client, model, version)
    if not found:
        raise ConfigError(f"MLflow has no version {version} of {model}: see history")
    return found


def _reason(text: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > LONGEST or not text.isprintable():
        raise ConfigError(f"--reason: say why, in 1 to {LONGEST} printable characters")
    return text


def _whose(version: int | None) -> str:
    return f"that is version {version}" if version else "no version is"
