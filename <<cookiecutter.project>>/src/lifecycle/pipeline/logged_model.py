"""The model in MLflow: byte for byte as it was trained, with everything that determines its predictions, and rows to test it with."""

import tempfile
import warnings
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lifecycle.core import config, model_file, package_versions, version_code
from lifecycle.core.config import Params
from lifecycle.core.files import read_parquet
from lifecycle.core.version_files import INPUTS, KNOWN, PREDICTIONS, PROBABILITY, REFERENCE

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXAMPLE_ROWS = 5
KNOWN_ROWS = 100
# Beside the model in MLflow; the first replaces MLflow's copy, whose bytes differ.
LOGGED_FILES = (
    config.MODEL,
    config.TRUSTED_TYPES,
    config.PARAMS,
    config.CONTRACT,
    config.METRICS / "validation.json",
    config.WALK_FORWARD,
    package_versions.ENVIRONMENT,
)
# What a server that loads the model installs; listed, because it takes MLflow ten seconds to infer it.
REQUIREMENTS = ("pandas", "pydantic", "ruamel.yaml", "scikit-learn", "skops")


def log_model(client: "MlflowClient", params: Params) -> str:
    """Log the model in models/ with its files to the active run. Returns its id in MLflow."""
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
    for path in filter(Path.exists, LOGGED_FILES):  # an older dvc.yaml has no stage walk_forward
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
