"""How far the metrics move with the seed alone: python -m lifecycle.gate.seed_spread

It runs in the checkout in which everything was recomputed, and prints JSON: metric → lowest and highest value on the test rows.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.errors import ProjectError, exit_with
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.core.worktree import inside

SEEDS = 5


def only_seed(params: dict[str, Any], same_data: bool, same_code: bool) -> bool:
    """Whether nothing that matters has changed but the seed; `params` is what `dvc params diff` says."""
    return (
        {name: {*changes} for name, changes in params.items()} == {str(config.PARAMS): {"seed"}}
        and same_data
        and same_code
    )


def spread_in(folder: Path) -> dict[str, list[float]]:
    """Return the spread in a checkout, computed in a process of its own with the branch's code; nothing if it fails."""
    command = [sys.executable, "-P", "-m", "lifecycle.gate.seed_spread"]
    done = subprocess.run(command, cwd=folder, env=inside(folder), capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else {}


def seed_spread() -> dict[str, list[float]]:
    """Return the lowest and the highest value of each metric over models that differ in nothing but their seed."""
    from lifecycle.core import metrics, model_file, predict  # scikit-learn: the gate itself needs none of it
    from lifecycle.core.entity_history import model_inputs
    from lifecycle.pipeline.train import fit

    params = config.load()
    params = params.labelling_at(predict.threshold(model_file.load(config.MODEL, params.package), params))
    train, test = (read_parquet(config.FEATURES / f"{side}.parquet") for side in ("train", "test"))
    inputs = model_inputs(read_yaml(config.CONTRACT)["columns"], train, params)
    values: dict[str, list[float]] = {}
    for number in range(1, SEEDS + 1):
        of_seed = params.model_copy(update={"seed": (params.seed + number) % 2**32})
        model = fit(train, inputs, of_seed)
        with predict.threads(len(test)):
            predictions = predict.predict(model, test, params)
        for name, value in metrics.point(
            metrics.measure(test[params.data.target], predictions, params), len(test)
        ).items():
            values.setdefault(name, []).append(value)
    return {name: [min(of_metric), max(of_metric)] for name, of_metric in values.items()}


if __name__ == "__main__":
    try:
        print(json.dumps(seed_spread()))
    except ProjectError as error:
        exit_with(error)
