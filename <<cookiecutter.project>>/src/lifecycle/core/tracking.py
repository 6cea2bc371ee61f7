"""The MLflow tracking store: its address, a connection to it, and the runs in it."""

import hashlib
import json
import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SQLITE = "sqlite:///"
MODEL_HASH, LOCK_HASH = "model.sha256", "dvc.lock.sha256"  # the tags by which a run is found again
MODEL_ID, COMPLETE = "model.id", "complete"  # tags of a run: its model in MLflow, and that nothing is missing


def lock_hash(lock: dict[str, Any]) -> str:
    """Return the SHA-256 of all stages in dvc.lock but `track`, which DVC records only after it has run."""
    stages = lock.get("stages")
    stages = {name: entry for name, entry in stages.items() if name != "track"} if isinstance(stages, dict) else {}
    return hashlib.sha256(json.dumps(stages, sort_keys=True).encode()).hexdigest()


def tracking_uri(params: Params) -> str:
    """Return the address of the tracking store: MLFLOW_TRACKING_URI, or track.tracking_uri of params.yaml.

    A SQLite file with a relative path lies in the main checkout, also for a queued experiment.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or params.track.tracking_uri
    if uri.startswith(SQLITE) and not uri.startswith(SQLITE + "/"):
        return f"{SQLITE}{(config.main_checkout() / uri.removeprefix(SQLITE)).resolve()}"
    return uri


@contextmanager
def store(params: Params, consequence: str, alone: bool = True) -> Iterator["MlflowClient"]:
    """Connect to the tracking store and yield a client.

    A SQLite file has one user at a time, unless `alone` is false, which is for reading a file that exists.

    Raises ConfigError if the store does not answer, now or in the block; its message ends with `consequence`, which says
    what has not been done.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow
    from filelock import FileLock
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # it logs a stack trace of what it raises anyway
    logging.getLogger("alembic").setLevel(logging.ERROR)
    uri = tracking_uri(params)
    mlflow.set_tracking_uri(uri)
    # Two experiments that open a new SQLite file at once would race to create its tables.
    local = alone and uri.startswith(SQLITE)
    lock = FileLock(f"{uri.removeprefix(SQLITE)}.lock", timeout=600, mode=0o644) if local else warnings.catch_warnings()
    try:
        with lock:
            yield mlflow.MlflowClient()
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = "it does not answer" if "Max retries exceeded" in str(error) else str(error)[:300]
        raise ConfigError(f"MLflow at {without_password(uri)} failed: {reason}; {consequence}") from error


def without_password(uri: str) -> str:
    """Return an address without the user and password that it may contain."""
    return re.sub(r"//[^/@]*@", "//", uri)


def run_of(client: "MlflowClient", params: Params, model: str) -> "Run | None":
    """Return the run of a model, by the hash of its file, or None. Of several, which two clones may log, the first."""
    where = f"tags.`{MODEL_HASH}` = '{model}'"
    runs = client.search_runs(
        [experiment_id(client, params)], where, max_results=1, order_by=["attributes.start_time ASC"]
    )
    return runs[0] if runs else None


def experiment_id(client: "MlflowClient", params: Params, name: str | None = None) -> str:
    """Return the id of an experiment: the one in params.yaml if `name` is None. It is created if it does not exist."""
    name = name or params.track.experiment
    if experiment := client.get_experiment_by_name(name):
        return str(experiment.experiment_id)
    uri = tracking_uri(params)
    local = Path(uri.removeprefix(SQLITE)).parent / "mlartifacts" if uri.startswith(SQLITE) else None
    return str(client.create_experiment(name, artifact_location=local.as_uri() if local else None))
