"""What the base's model predicts for its test rows: the file that DVC has, else what the base's own pipeline gives again."""

import shutil
from pathlib import Path

from lifecycle.core import config
from lifecycle.core.dvc import dvc
from lifecycle.core.dvc_files import Stage
from lifecycle.core.home import TEMPORARY
from lifecycle.core.worktree import BASE, worktree
from lifecycle.gate.committed_output import output_at, stages_of_pipeline


def base_predictions(base: str) -> Path | None:
    """Return the test predictions of a commit, or None if it has none and its pipeline does not run here.

    They are computed again if neither DVC's cache nor its remote has them, as for a pull request from a fork. The pipeline of
    the base refuses to run with other packages than its own.
    """
    if predictions := output_at(base, config.PREDICTIONS):
        return predictions
    stage = next((name for name, stage in stages_of_pipeline(base).items() if _makes_predictions(stage)), None)
    if stage is None:
        return None
    recomputed = TEMPORARY / f"{base}{config.PREDICTIONS.suffix}"
    with worktree(base, BASE) as folder:
        dvc("checkout", "--quiet", "--allow-missing", folder=folder)
        # If it is there, it is damaged, and DVC would not replace it unasked. Whoever may store data can forge the run cache.
        (folder / config.PREDICTIONS).unlink(missing_ok=True)
        if dvc("repro", "--pull", "--no-run-cache", stage, folder=folder).returncode:
            return None
        shutil.copy(folder / config.PREDICTIONS, recomputed)
    return recomputed


def _makes_predictions(stage: Stage) -> bool:
    return any(out["path"] == str(config.PREDICTIONS) for out in stage.get("outs", []))
