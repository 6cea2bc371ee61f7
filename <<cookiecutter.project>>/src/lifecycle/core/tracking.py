"""The MLflow store: which one, how to reach it, and what to say when it does not answer."""

import hashlib
import json
import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError

SQLITE = "sqlite:///"
MODEL_HASH, LOCK_HASH = "model.sha256", "dvc.lock.sha256"  # the tags by which a run is found again
MODEL_ID, COMPLETE = "model.id", "complete"  # tags of a run: its model in MLflow, and that nothing is missing


def lock_hash(lock: dict[str, Any]) -> str:
    """Return the SHA-256 of what dvc.lock says of every stage but `track`, which DVC enters only once it is done."""
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
def store(params: Params, then: str, alone: bool = True) -> Iterator[Any]:
    """Connect to the tracking store and yield an MlflowClient.

    Of a SQLite file there is one user at a time, unless `alone` is false: for those who only read, and know it is there.

    Raises ConfigError with one line if the store does not answer, now or in the block; `then` says what becomes of
    what was to be done.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow
    from filelock import FileLock
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # with a stack trace, of what it raises as well
    logging.getLogger("alembic").setLevel(logging.ERROR)
    uri = tracking_uri(params)
    mlflow.set_tracking_uri(uri)
    # Two experiments that open a new SQLite file at once race on its tables, and would not see each other's runs.
    local = alone and uri.startswith(SQLITE)
    lock = FileLock(f"{uri.removeprefix(SQLITE)}.lock", timeout=600, mode=0o644) if local else warnings.catch_warnings()
    try:
        with lock:
            yield mlflow.MlflowClient()
    except (MlflowException, SQLAlchemyError, OSError) as error:
        said = "it does not answer" if "Max retries exceeded" in str(error) else str(error)[:300]
        raise ConfigError(f"MLflow at {shown(uri)} failed: {said}; {then}") from error


def shown(uri: str) -> str:
    """Return an address without the name and password that it may hold."""
    return re.sub(r"//[^/@]*@", "//", uri)


def run_of(client: Any, params: Params, model: str) -> Any:
    """Return the run of a model, by the hash of its file, or None. Of several, which two clones may make, the first."""
    where = f"tags.`{MODEL_HASH}` = '{model}'"
    runs = client.search_runs(
        [experiment_id(client, params)], where, max_results=1, order_by=["attributes.start_time ASC"]
    )
    return runs[0] if runs else None


def experiment_id(client: Any, params: Params, name: str | None = None) -> str:
    """Return the id of an experiment, of the one in params.yaml unless it is named; it is made if there is none."""
    name = name or params.track.experiment
    found = client.get_experiment_by_name(name)
    if found:
        return found.experiment_id
    uri = tracking_uri(params)
    local = Path(uri.removeprefix(SQLITE)).parent / "mlartifacts" if uri.startswith(SQLITE) else None
    return client.create_experiment(name, artifact_location=local.as_uri() if local else None)
