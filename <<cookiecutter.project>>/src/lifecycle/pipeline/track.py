"""All results of the pipeline in; one MLflow run out, and no file.

A run is identified by the hash of its model: tracking the same model twice updates one run. Everything else is on disk
before this stage starts, so after a failure of the server only this stage has to run again.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifecycle.core import config, package_versions, version_code
from lifecycle.core.config import Params
from lifecycle.core.dvc_files import metrics_of, stages_here
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import file_hash, read_text
from lifecycle.core.git import git
from lifecycle.core.tracking import (
    COMPLETE,
    LOCK_HASH,
    MODEL_HASH,
    MODEL_ID,
    experiment_id,
    lock_hash,
    run_of,
    store,
    tracking_uri,
    without_password,
)
from lifecycle.core.version_code import CODE_HASH
from lifecycle.pipeline import run
from lifecycle.pipeline.logged_model import log_model

if TYPE_CHECKING:
    from mlflow import MlflowClient

NOT_LOGGED = (
    "the run is not logged, everything else is on disk: correct this, or name another store in MLFLOW_TRACKING_URI, and "
    "run `dvc repro` again"
)


def log_run(client: "MlflowClient", params: Params) -> tuple[str, bool]:
    """Log the model in models/ with its params, metrics, plots and lineage, or update its run.

    Returns the run's id, and whether the run is new.
    """
    import mlflow

    model_hash = file_hash(config.MODEL)
    experiment = experiment_id(client, params)
    mlflow.set_experiment(experiment_id=experiment)
    earlier = run_of(client, params, model_hash)
    code = version_code.hash_here(params.package)
    versions = {f"version.{name}": number for name, number in package_versions.recorded().items()}
    tags = {MODEL_HASH: model_hash, LOCK_HASH: lock_hash(stages_here()), **_git_tags(), **versions}
    with mlflow.start_run(
        run_id=earlier.info.run_id if earlier else None, run_name=os.environ.get("DVC_EXP_NAME")
    ) as active:
        mlflow.set_tags(tags)
        mlflow.log_metrics(_metrics())
        known = earlier.data if earlier else None
        if not (known and known.tags.get(COMPLETE)):
            logged = known.params if known else {}
            mlflow.log_params({name: value for name, value in _flat(params).items() if name not in logged})
            _log_dataset(params)
        if not (known and known.tags.get(COMPLETE) and known.tags.get(CODE_HASH) == code):
            # At once, and last: a run that is cut off must not name a model that lacks files, or has other code.
            mlflow.set_tags({MODEL_ID: log_model(client, params), CODE_HASH: code})
        for folder in (config.METRICS, config.PLOTS, config.MODEL_CARD.parent):
            mlflow.log_artifacts(str(folder), folder.name)
        mlflow.set_tag(COMPLETE, "true")
    return active.info.run_id, earlier is None


def _log_dataset(params: Params) -> None:
    import mlflow
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    entry = stages_here().get("data", {}).get("deps", [])
    digest = next((item["md5"] for item in entry if item["path"] == str(params.data.raw) and "md5" in item), None)
    if digest is None:
        raise ConfigError(f"{config.LOCK}: stage data does not depend on {params.data.raw}: run `make repro`")
    mlflow.log_input(
        MetaDataset(HTTPDatasetSource(f"dvc://{params.data.raw}"), name=str(params.data.raw), digest=digest), "training"
    )


def _metrics() -> dict[str, float]:
    values = dict(_read(config.METRICS / "test.json"))
    for side in ("train", "validation"):
        values |= {f"{side}.{name}": value for name, value in _read(config.METRICS / f"{side}.json").items()}
    for name, bounds in _read(config.INTERVALS).items():
        values |= {f"{name}.low": bounds["low"], f"{name}.high": bounds["high"]}
    return values


def _read(path: Path) -> Any:
    return metrics_of(read_text(path), str(path))


def _flat(params: Params) -> dict[str, Any]:
    """The params that determine the model, by dotted name; of the estimators only the one that was trained."""
    train = {f"train.{name}": value for name, value in params.train.settings.items()}
    data = {f"data.{name}": value for name, value in params.data.model_dump().items()}
    split = {f"split.{name}": value for name, value in params.split.model_dump().items()}
    chosen: dict[str, Any] = {"task": params.task, "seed": params.seed, "train.estimator": params.train.estimator}
    if params.train.class_weight is not None:  # `train.class_weight` is that of the estimator itself
        chosen["class_weight"] = params.train.class_weight
    return chosen | train | data | split


def _git_tags() -> dict[str, str]:
    dirty = bool(git("status", "--porcelain", "--untracked-files=no", "--", "."))
    return {
        "git.commit": git("rev-parse", "HEAD").strip(),
        "git.branch": git("branch", "--show-current").strip(),
        "git.dirty": str(dirty).lower(),
    }


def main() -> str:
    params = config.load()
    with store(params, NOT_LOGGED) as client:
        run_id, new = log_run(client, params)
    return f"{'logged new' if new else 'updated'} run {run_id} in experiment {params.track.experiment!r} at {without_password(tracking_uri(params))}"


if __name__ == "__main__":
    run("track", main)
