"""The checks of staging: is the version in staging the model that the gate checked, and are its answers the known ones?

It is loaded as a server would: from MLflow alone, by another process, with the code that was logged with it.
"""

import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lifecycle.core import config, version_loading
from lifecycle.core.errors import DataError, RefusedError
from lifecycle.core.files import file_hash
from lifecycle.core.markdown import counted
from lifecycle.core.tracking import MODEL_HASH
from lifecycle.core.version_files import KNOWN, TOLERANCE
from lifecycle.registry import ledger, signatures
from lifecycle.registry.aliases import STAGING, find, state
from lifecycle.registry.moves import PASSED, STAGING_CHECKS, who
from lifecycle.registry.version_cache import is_sound

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

TIMEOUT = 300  # seconds


def check(client: "MlflowClient", model: str) -> tuple[int, str, bool]:
    """Check the version in staging and tag it with the outcome.

    Returns its number, the outcome in one line, and whether it has passed. Raises RefusedError if no version is in staging.
    """
    last = ledger.head(client, model)
    number = state(client, model, last)[STAGING]
    version = find(client, model, number, last) if number else None
    if number is None or not version:
        raise RefusedError("no version is in staging, so there is nothing to check: promote --to staging first")
    with tempfile.TemporaryDirectory() as folder:
        outcome, good = _check_files(version, Path(folder))
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    verdict = f"{PASSED if good else 'failed'}: {outcome} ({when}, {who()})"
    client.set_model_version_tag(model, str(number), STAGING_CHECKS, verdict)
    return number, outcome, good


def _check_files(version: "ModelVersion", temporary: Path) -> tuple[str, bool]:
    """Fetch a version's files and check them."""
    import mlflow

    uri = f"models:/{version.name}/{version.version}"
    folder = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(temporary)))
    model = folder / config.MODEL.name
    if not model.exists() or file_hash(model) != version.tags.get(MODEL_HASH):
        return "its model file in MLflow is not the one that the gate checked", False
    if not (folder / KNOWN).is_dir():
        return "MLflow has no rows with known predictions beside it: it was not logged by this project's `track`", False
    if key := signatures.public_key():
        try:
            signatures.verify(version, folder, key)
        except DataError as error:
            return str(error), False
    if not is_sound(folder, version.tags):
        return "its code, params.yaml or contract.yaml in MLflow are not those that it was registered with", False
    return _score_known_rows(folder, temporary)


def _score_known_rows(folder: Path, temporary: Path) -> tuple[str, bool]:
    """Score a version's known rows in a process like a server's, with the version's own code first on its path."""
    command = [sys.executable, "-P", version_loading.__file__, str(folder)]
    try:
        environment = os.environ | version_loading.ONE_THREAD
        done = subprocess.run(command, cwd=temporary, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
        result = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        return f"it does not answer within {TIMEOUT} seconds", False
    except (ValueError, IndexError):
        result = None
    if not isinstance(result, dict):
        errors = [line for line in done.stderr.splitlines() if re.match(r"[\w.]*(Error|Exception)\b", line)]
        return (
            f"it cannot be loaded and scored with: {errors[-1][:300] if errors else f'exit code {done.returncode}'}",
            False,
        )
    rows = counted(len(result["known"]), "test row")
    if not result["difference"] <= TOLERANCE:
        return (
            f"its answers differ from the predictions of evaluate by up to {result['difference']:.3g} in {rows}",
            False,
        )
    return f"the file that the gate checked, and the same predictions for {rows}", True
