"""What the model of a checkout costs: python -m lifecycle.gate.cost_measurement [fit]

It prints JSON: `prediction_ms_per_row`, and with `fit`, for which the model is fitted anew, `training_seconds` and `peak_memory`
(bytes) of this process. The times are the shortest of a few, since whatever else the machine does only adds to them.
"""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from sklearn.pipeline import Pipeline

from lifecycle.core import config, model_file, predict
from lifecycle.core.config import Params
from lifecycle.core.entity_history import model_inputs
from lifecycle.core.errors import ProjectError, exit_with
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.pipeline.train import fit

MOST_ROWS = 20_000  # that are predicted
MOST_TIMES, ENOUGH_SECONDS = 20, 1.0


def measure(fits: bool) -> dict[str, float]:
    """Return the figures of the model that the checkout has or, with `fits`, of one that is fitted on its training rows."""
    params = config.load()
    figures = dict[str, float]()
    if fits:
        model, figures = _fitted(params)
    else:
        model = model_file.load(config.MODEL, params.package)
    rows = read_parquet(config.FEATURES / "test.parquet").head(MOST_ROWS)
    with predict.threads(len(rows)):
        seconds = shortest(lambda: predict.predict(model, rows, params))
    return {**figures, "prediction_ms_per_row": 1000 * seconds / len(rows)}


def shortest(action: Callable[[], object], first: float | None = None) -> float:
    """Return the shortest time in seconds that an action takes; it is repeated until a second has been spent on it.

    `first` is what it took once already.
    """
    times = [] if first is None else [first]
    while not times or (sum(times) < ENOUGH_SECONDS and len(times) < MOST_TIMES):
        started = perf_counter()
        action()
        times.append(perf_counter() - started)
    return min(times)


def peak_memory() -> int:
    """Return the most memory that this process has held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, whose getrusage also counts what the parent held when it started this process
        (line,) = (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts in bytes


def _fitted(params: Params) -> tuple[Pipeline, dict[str, float]]:
    """The fitted model, and what fitting it has cost."""
    frame = read_parquet(config.FEATURES / "train.parquet")
    inputs = model_inputs(read_yaml(config.CONTRACT)["columns"], frame, params)
    started = perf_counter()
    model = fit(frame, inputs, params)
    first, memory = perf_counter() - started, peak_memory()
    return model, {
        "training_seconds": shortest(lambda: fit(frame, inputs, params), first),
        "peak_memory": memory,
    }


if __name__ == "__main__":
    try:
        print(json.dumps(measure(fits="fit" in sys.argv[1:])))
    except ProjectError as error:
        exit_with(error)
