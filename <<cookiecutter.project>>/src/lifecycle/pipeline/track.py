"""All results of the pipeline in; one MLflow run out, and no file.

A run is identified by the hash of its model: tracking the same model twice updates one run. Everything else is on disk
before this stage starts, so after a failure of the server only this stage has to run again.
"""

import os
import tempfile
import warnings
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lifecycle.core import config, model_file, package_versions, version_code
from lifecycle.core.config import Params
from lifecycle.core.dvc_files import metrics_of, stages_here
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import file_hash, read_parquet, read_text
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
from lifecycle.core.version_files import INPUTS, KNOWN, PREDICTIONS, PROBABILITY, REFERENCE
from lifecycle.pipeline import run

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXAMPLE_ROWS = 5
KNOWN_ROWS = 100
NOT_LOGGED = (
    "the run is not logged, everything else is on disk: correct this, or name another store in MLFLOW_TRACKING_URI, and "
    "run `dvc repro` again"
)
# Beside the model in MLflow; the first replaces MLflow's copy, whose bytes differ.
LOGGED_FILES = (
    config.MODEL,
    config.TRUSTED_TYPES,
    config.PARAMS,
    config.CONTRACT,
    package_versions.ENVIRONMENT,
)
# What a server that loads the model installs; listed, because it takes MLflow ten seconds to infer it.
REQUIREMENTS = ("pandas", "pydantic", "ruamel.yaml", "scikit-learn", "skops")


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
            mlflow.set_tags({MODEL_ID: _log_model(client, params), CODE_HASH: code})
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


def _log_model(client: "MlflowClient", params: Params) -> str:
    """Log the model, byte for byte, with everything that determines its predictions, and rows to test it with.

    Returns its id in MLflow.
    """
    import mlflow
    from mlflow.models import infer_signature

    fitted = model_file.load(config.MODEL, params.package)
    inputs = read_parquet(config.FEATURES / "test.parquet").head(KNOWN_ROWS)[list(fitted.feature_names_in_)]
    # A signature has no categories, and its integers cannot be missing.
    inputs = inputs.astype(
        {
            name: "object" if kind == "category" else "float64"
            for name, kind in inputs.dtypes.items()
            if kind == "category" or kind.kind in "iu"
        }
    )
    example = inputs.head(EXAMPLE_ROWS).copy()
    classifier = params.task != "regression"
    output = fitted.predict_proba(example) if classifier else fitted.predict(example)
    for name in example.select_dtypes("datetimetz"):  # nor has a signature time zones
        example[name] = example[name].dt.tz_convert("UTC").dt.tz_localize(None)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as code:
        warnings.simplefilter("ignore")
        logged = mlflow.sklearn.log_model(
            fitted,
            name="model",
            serialization_format="skops",
            skops_trusted_types=model_file.trusted(params.package, config.MODEL),
            pyfunc_predict_fn="predict_proba" if classifier else "predict",
            signature=infer_signature(example, output),
            input_example=example,
            code_paths=[str(path) for path in version_code.copy(params.package, Path(code))],
            pip_requirements=_requirements(params.package),
        )
    model_id: str = logged.model_id
    for path in LOGGED_FILES:
        client.log_model_artifact(model_id, str(path))
    with tempfile.TemporaryDirectory() as folder:
        inputs.to_parquet(Path(folder, INPUTS), index=False)
        _known_predictions(params).to_parquet(Path(folder, PREDICTIONS), index=False)
        client.log_model_artifacts(model_id, folder, KNOWN)
    client.log_model_artifact(model_id, str(config.REFERENCE), REFERENCE)
    return model_id


def _requirements(package: str) -> list[str]:
    """What loading the model needs at its present version, with the libraries of the types in it."""
    libraries = {name.partition(".")[0] for name in model_file.trusted(package, config.MODEL)} - {"lifecycle", package}
    by_module = packages_distributions()
    others = {name for library in libraries for name in by_module.get(library, [])}
    return [f"{name}=={version(name)}" for name in sorted({*REQUIREMENTS, *others})]


def _known_predictions(params: Params) -> pd.DataFrame:
    """The predictions of `evaluate` for the first test rows: a column per class, or `prediction`."""
    known = read_parquet(config.PREDICTIONS).head(KNOWN_ROWS).drop(columns=[params.data.id, params.data.target])
    known = known.rename(columns={"probability": f"{PROBABILITY}{params.data.positive}"})
    return known[[name for name in map(str, known) if name.startswith(PROBABILITY)] or ["prediction"]]


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
    chosen = {"task": params.task, "seed": params.seed, "train.estimator": params.train.estimator}
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
