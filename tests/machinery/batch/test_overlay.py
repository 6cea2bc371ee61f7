"""The code that a version is scored with: its own, beside today's `lifecycle.batch`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from lifecycle.batch.job import Job
from lifecycle.batch.overlay import overlay
from lifecycle.core import version_code
from lifecycle.core.config import Params
from lifecycle.core.version_files import CODE

SRC = version_code.SRC
ENTRY = "lifecycle/batch/process.py"
EXECUTOR = "lifecycle/batch/score_rows.py"  # imported by name in Spark's workers


def score(folder: Path, table: pd.DataFrame) -> subprocess.CompletedProcess[str]:
    """Score a table with a version, in a process as `score` starts it, which also has the repo's code on its path."""
    cache = folder.parent
    table.to_parquet(cache / "table.parquet", index=False)
    code = overlay(folder, cache)
    job = Job(
        input=str(cache / "table.parquet"), output=str(cache / "scores"), engine="local", master=None, date="2026-03-01",
        active_since=None, alias="production", version=1, version_folder=str(folder), code_folder=str(code), started=0.0,
        scored_at="2026-03-01T00:00:00+00:00", max_bad_share=0.0, batch_rows=1000,
    )  # fmt: skip
    return subprocess.run(
        [sys.executable, "-P", "-m", "lifecycle.batch.process", job.to_json()],
        env=os.environ | {"PYTHONPATH": f"{code}:{SRC}"}, capture_output=True, text=True,
    )  # fmt: skip


def test_a_version_carries_all_code_that_scoring_imports_beside_batch(params: Params) -> None:
    needed: set[str] = set()
    pending = [ENTRY, EXECUTOR]
    while pending:
        name = pending.pop()
        if name not in needed and (SRC / name).is_file():
            needed.add(name)
            pending += version_code.imported_paths(name, (SRC / name).read_bytes())

    assert {"lifecycle/batch/spark/engine.py", "lifecycle/batch/local_engine.py", "lifecycle/core/scoring.py"} <= needed
    assert {name for name in needed if not name.startswith("lifecycle/batch/")} <= set(
        version_code.files(params.package)
    )


def test_the_users_package_of_the_version_makes_the_features(logged: Path, table: pd.DataFrame, params: Params) -> None:
    """If its features are changed, it no longer gives the predictions that it was logged with."""
    before = score(logged, table)
    features = logged / CODE / params.package / "features.py"
    source = features.read_text()
    assert 'frame["total_charges"] / months' in source
    features.write_text(source.replace('frame["total_charges"] / months', "0 * months"))
    changed = Path(shutil.copytree(logged, logged.parent / "2-model-code"))

    after = score(changed, table)

    assert before.returncode == 0, before.stderr
    assert len(pd.read_parquet(logged.parent / "scores/date=2026-03-01/part-0.parquet")) == len(table)
    assert after.returncode != 0
    assert "does not reproduce the predictions of evaluate" in after.stderr + after.stdout


def test_the_versions_lifecycle_makes_the_predictions(logged: Path, table: pd.DataFrame) -> None:
    predict = logged / CODE / "lifecycle/core/predict.py"
    predict.write_text(predict.read_text() + "\n_outcome = outcome\n\n\ndef outcome(model, frame, params):\n"
                       "    predicted = _outcome(model, frame, params)\n"
                       "    return Outcome(predicted.names, 0 * predicted.numbers + 7.0, predicted.classes, predicted.places)\n")  # fmt: skip

    done = score(logged, table)

    assert done.returncode != 0
    assert "they differ by up to 6." in done.stderr + done.stdout


def test_todays_batch_is_laid_over_the_versions_code(logged: Path) -> None:
    code = overlay(logged, logged.parent)

    assert (code / ENTRY).read_bytes() == (SRC / ENTRY).read_bytes()
    assert (code / EXECUTOR).exists()
    assert not (logged / CODE / ENTRY).exists()
    assert not (code / "lifecycle/registry").exists()
    assert json.dumps(sorted(path.name for path in code.iterdir())) == json.dumps(
        sorted(path.name for path in (logged / CODE).iterdir())
    )


def test_the_code_of_a_version_that_was_pruned_is_removed(logged: Path) -> None:
    code = overlay(logged, logged.parent)
    second = Path(shutil.copytree(logged, logged.parent / "2-model-code"))
    shutil.rmtree(logged)

    of_second = overlay(second, second.parent)

    assert not code.exists()
    assert of_second.exists()
