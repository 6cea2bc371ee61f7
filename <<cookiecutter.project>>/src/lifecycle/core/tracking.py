"""The MLflow tracking store: its address, a connection to it, and the runs in it."""

import hashlib
import json
import logging
import os
import re
import sqlite3
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.dvc_files import Stages
from lifecycle.core.errors import ConfigError
from lifecycle.core.outage import OutageError, bound_mlflow
from lifecycle.core.outage_cause import cause

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SQLITE = "sqlite:///"
ARTIFACT_COLUMNS = (  # of MLflow's tables: where each thing's files are
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
MODEL_HASH, LOCK_HASH = "model.sha256", "dvc.lock.sha256"  # the tags by which a run is found again
MODEL_ID, COMPLETE = "model.id", "complete"  # tags of a run: its model in MLflow, and that nothing is missing


def lock_hash(stages: Stages) -> str:
    """Return the SHA-256 of all stages in a dvc.lock but `track`, which DVC records only after it has run."""
    hashed = {name: entry for name, entry in stages.items() if name != "track"}
    return hashlib.sha256(json.dumps(hashed, sort_keys=True, default=str).encode()).hexdigest()


def tracking_uri(params: Params) -> str:
    """Return the address of the tracking store: MLFLOW_TRACKING_URI, or track.tracking_uri of params.yaml.

    A SQLite file with a relative path lies in the main checkout, also for a queued experiment.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or params.track.tracking_uri
    if uri.startswith(SQLITE) and not uri.startswith(SQLITE + "/"):
        return f"{SQLITE}{(config.main_checkout() / uri.removeprefix(SQLITE)).resolve()}"
    return uri


def usable_uri(params: Params) -> str:
    """Return the address of the tracking store for MLflow's own commands, with its SQLite file as `store` would leave it."""
    uri = tracking_uri(params)
    if uri.startswith(SQLITE):
        _require_usable_path(uri.removeprefix(SQLITE), sys.prefix)
        _relocate(Path(uri.removeprefix(SQLITE)))
    return uri


@contextmanager
def store(params: Params, consequence: str, alone: bool = True) -> Iterator["MlflowClient"]:
    """Connect to the tracking store and yield a client.

    A SQLite file has one user at a time, unless `alone` is false, which is for reading a file that exists.

    Raises OutageError if the store does not answer, now or in the block, and ConfigError if it refuses; the message ends with
    `consequence`, which says what has not been done.
    """
    bound_mlflow()
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow
    from alembic.util import CommandError
    from filelock import FileLock
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # it logs a stack trace of what it raises anyway
    logging.getLogger("alembic").setLevel(logging.ERROR)
    uri = tracking_uri(params)
    if uri.startswith(SQLITE):
        _require_usable_path(uri.removeprefix(SQLITE), sys.prefix)
    mlflow.set_tracking_uri(uri)
    # Two experiments that open a new SQLite file at once would race to create its tables.
    local = alone and uri.startswith(SQLITE)
    lock = FileLock(f"{uri.removeprefix(SQLITE)}.lock", timeout=600, mode=0o644) if local else warnings.catch_warnings()
    try:
        with lock:
            if local:
                _relocate(Path(uri.removeprefix(SQLITE)))
            yield mlflow.MlflowClient()
    except (MlflowException, SQLAlchemyError, CommandError, OSError) as error:
        raise failure(error, uri, consequence, isinstance(error, MlflowException)) from error


def failure(error: Exception, uri: str, consequence: str, is_mlflows: bool) -> ConfigError:
    """Return what MLflow's client has raised as an OutageError, if the store has not answered, or else as a ConfigError."""
    outage = cause(error, uri)
    kind = OutageError if outage or not is_mlflows else ConfigError
    return kind(f"MLflow at {without_password(uri)} failed: {outage or str(error)[:300]}; {consequence}")


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
    location = _artifacts(Path(uri.removeprefix(SQLITE))) if uri.startswith(SQLITE) else None
    return str(client.create_experiment(name, artifact_location=location))


def _require_usable_path(*paths: str) -> None:
    """Raise ConfigError if a path holds a character that means something else in MLflow's address of the database."""
    for path in paths:
        if characters := [character for character in "%?" if character in path]:
            raise ConfigError(
                f"{path}: MLflow cannot use a path that holds {characters[0]}: rename the folder, then `make setup`"
            )


def _artifacts(database: Path) -> str:
    """Return the address of the folder for artifacts: it lies beside the database, wherever that is."""
    return (database.resolve().parent / "mlartifacts").as_uri()


def _relocate(database: Path) -> None:
    """Correct the addresses of artifacts in a database that was moved or copied together with them.

    MLflow writes down absolute ones only: with the old ones it would read, and write, in the folder that the repo was in.
    Raises ConfigError if SQLite cannot read the file.
    """
    if not database.is_file() or not (database.resolve().parent / "mlartifacts").is_dir():
        return
    try:
        with closing(sqlite3.connect(database)) as connection, connection:
            _write_addresses(connection, _artifacts(database))
    except sqlite3.Error as error:
        raise ConfigError(
            f"{database}: SQLite cannot use it as MLflow's store: {error}; restore it, or move it away"
        ) from None


def _write_addresses(connection: sqlite3.Connection, here: str) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if "experiments" not in tables:
        return
    query = "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE 'file://%/mlartifacts'"
    for (there,) in connection.execute(query).fetchall():
        for table, column in ARTIFACT_COLUMNS if there != here else ():
            update = f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? OR substr({column}, 1, ?) = ?"
            connection.execute(update, (here, len(there) + 1, there, len(there) + 1, f"{there}/"))
