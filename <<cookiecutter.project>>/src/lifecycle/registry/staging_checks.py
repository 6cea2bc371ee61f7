"""The checks of staging: is the version in staging the model that the gate judged, and does it answer as it did then?

It is fetched and asked as a server would: by another process, from MLflow alone, with the code that was logged with it.
"""

import datetime
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lifecycle.core.errors import RefusedError
from lifecycle.core.files import file_hash
from lifecycle.core.tracking import MODEL_HASH
from lifecycle.core.version_files import INPUTS, KNOWN, PREDICTIONS, TOLERANCE
from lifecycle.registry import ledger
from lifecycle.registry.aliases import STAGING, find, state
from lifecycle.registry.moves import CHECKS, PASSED, who

TIMEOUT = 300  # seconds
ASK = """
import json, pathlib, sys, warnings
warnings.simplefilter("ignore")
import mlflow, numpy, pandas
folder, inputs, predictions = sys.argv[1:]
model = mlflow.pyfunc.load_model(folder)
expected = pandas.read_parquet(pathlib.Path(folder, predictions))
answers = numpy.asarray(model.predict(pandas.read_parquet(pathlib.Path(folder, inputs))))
if answers.ndim == 2:
    classes = [f"probability_{name}" for name in model.get_raw_model().classes_]
    answers = answers[:, [classes.index(name) for name in expected]]
expected = expected.to_numpy()
difference = numpy.abs(answers.reshape(expected.shape) - expected) / numpy.maximum(1, numpy.abs(expected))
print(json.dumps({"rows": len(expected), "most": float(difference.max())}))
"""


def check(client: Any, model: str) -> tuple[int, str, bool]:
    """Check the version in staging and note the outcome on it.

    Returns its number, what was found in one line, and whether that is good. Raises RefusedError if none is in staging.
    """
    last = ledger.head(client, model)
    version = state(client, model, last)[STAGING]
    found = find(client, model, version, last) if version else None
    if version is None or not found:
        raise RefusedError("no version is in staging, so there is nothing to check: promote --to staging")
    with tempfile.TemporaryDirectory() as folder:
        outcome, good = _compare(found, Path(folder))
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    verdict = f"{PASSED if good else 'failed'}: {outcome} ({when}, {who()})"
    client.set_model_version_tag(model, str(version), CHECKS, verdict)
    return version, outcome, good


def _compare(version: Any, folder: Path) -> tuple[str, bool]:
    import mlflow

    fetched = mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.version}", dst_path=str(folder))
    path = Path(fetched, "model.skops")
    if not path.exists() or file_hash(path) != version.tags.get(MODEL_HASH):
        return "its file in MLflow is not the one that the gate judged", False
    known = Path(KNOWN, INPUTS), Path(KNOWN, PREDICTIONS)
    if not all((Path(fetched) / name).exists() for name in known):
        return "MLflow has no rows with known predictions beside it: it was not logged by this project's `track`", False
    command = [sys.executable, "-P", "-c", ASK, fetched, *map(str, known)]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"it does not answer within {TIMEOUT} seconds", False
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if re.match(r"[\w.]*(Error|Exception)\b", line)]
        return f"it cannot be loaded and asked: {said[-1][:300] if said else f'exit code {done.returncode}'}", False
    answer = json.loads(done.stdout.splitlines()[-1])
    if not answer["most"] <= TOLERANCE:
        return (
            f"its answers differ from those of evaluate by up to {answer['most']:.3g} in {answer['rows']} rows",
            False,
        )
    return f"the file the gate judged, and the same predictions for {answer['rows']} test rows", True
