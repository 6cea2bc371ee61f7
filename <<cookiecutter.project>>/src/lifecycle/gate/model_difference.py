"""Whether a committed model predicts what the recomputed one does: python -m lifecycle.gate.model_difference FILE TOLERANCE

It runs in the checkout in which everything was recomputed, and prints the first difference, or nothing.
"""

import sys
from pathlib import Path

from lifecycle.core import config, model_file, predict
from lifecycle.core.errors import ProjectError, exit_with
from lifecycle.core.files import read_parquet
from lifecycle.gate.table_difference import table_difference


def model_difference(committed: Path, tolerance: float) -> str:
    """Return the first difference between the predictions of two models for every row of the split, or nothing.

    Raises DataError if the committed model cannot be loaded.
    """
    params = config.load()
    models = [model_file.load(path, params.package, beside=config.MODEL) for path in (committed, config.MODEL)]
    for side in ("train", "validation", "test"):
        frame = read_parquet(config.FEATURES / f"{side}.parquet")
        with predict.threads(len(frame)):
            of_committed, of_recomputed = (predict.predict(model, frame, params) for model in models)
        if difference := table_difference(of_committed, of_recomputed, tolerance):
            return f"their predictions for {side} differ: {difference}"
    return ""


if __name__ == "__main__":
    try:
        print(model_difference(Path(sys.argv[1]), float(sys.argv[2])))
    except ProjectError as error:
        exit_with(error)
