"""Search: run trials in several processes, write the best parameters into params.yaml, and run the pipeline with them.

A trial is a fit within this command and a nested run in MLflow, not an experiment of DVC: one of those takes about ten seconds
more. The best is reproduced by DVC, and judged by the gate, like any other change of params.yaml.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from lifecycle.core import config, metrics
from lifecycle.core.config import Params
from lifecycle.core.dvc import dvc, failure_line
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.estimator import make_estimator
from lifecycle.core.files import read_parquet, value_at, write_json, write_text, yaml_as_written
from lifecycle.core.git import environment
from lifecycle.core.home import SRC
from lifecycle.core.metric_process import MetricProcess
from lifecycle.search import mlflow_trials, settings
from lifecycle.search.selection_bias import TRIALS, corrected
from lifecycle.search.settings import changed, params_with
from lifecycle.search.study import Study, of_repo, suggested
from lifecycle.search.worker import REFUSED

if TYPE_CHECKING:
    import optuna

ROWS = 20_000  # validation rows, at most, on which the best trials are compared again
Report = Callable[[str], None]


def search(trials: int, jobs: int | None, report: Report) -> None:
    """Run trials until there are so many, and reproduce the best if it is better than the present parameters.

    Args:
        trials: how many there shall be, those of an earlier run included.
        jobs: how many to run at a time; one for each core, if None.
        report: is given each line of the result.

    Raises ConfigError if a setting is refused, or nothing could be tried; DataError if the pipeline fails.
    """
    search_settings, params = settings.load(), config.load()
    _repro("featurize", "--pull")
    study = of_repo(search_settings, params.package)
    _check(study)
    opened = study.trials()
    present = {name: value_at(study.content, name.split(".")) for name in search_settings.parameters}
    if not opened.get_trials() and all(
        space.holds(present[name]) for name, space in search_settings.parameters.items()
    ):
        opened.enqueue_trial(present)
    earlier = len(_ended(opened))
    if earlier:
        report(f"search: {earlier} trials are there from an earlier run")
    _run(opened, trials - earlier, jobs or os.cpu_count() or 1)
    content = _result(study, opened, present)
    mlflow_trials.log(study, _ended(opened), params, report)
    for line in _lines(content):
        report(line)
    if content["parameters"] == present:
        report(f"search: {config.PARAMS} has the best parameters already")
        return
    _write(study, content["parameters"])
    write_json(content, config.SEARCH_REPORT)
    report(f"search: wrote {config.PARAMS} and {config.SEARCH_REPORT}; running the pipeline ...")
    _repro()
    report("search: compare with `dvc metrics diff`, then commit, and `make gate`")


def _check(study: Study) -> None:
    """Raise ConfigError if a name or the first value of a space is refused by params.yaml or the estimator."""
    first = {
        name: space.low if space.values is None else space.values[0] for name, space in study.search.parameters.items()
    }
    try:
        make_estimator(params_with(study.content, first))
    except ConfigError as error:
        raise ConfigError(f"{settings.SEARCH}: {error}") from None


def _run(opened: "optuna.Study", trials: int, jobs: int) -> None:
    """Let so many processes share so many trials. Raises ConfigError with the reason if one of them fails."""
    threads = str(max((os.cpu_count() or 1) // jobs, 1))
    paths = os.pathsep.join(filter(None, [str(SRC), os.environ.get("PYTHONPATH")]))
    variables = environment() | {"OMP_NUM_THREADS": threads, "PYTHONPATH": paths}
    command = [sys.executable, "-P", "-m", "lifecycle.search.worker"]
    shares = [share for number in range(jobs) if (share := len(range(number, trials, jobs)))]
    before = len(_ended(opened))
    with tempfile.TemporaryFile("w+") as errors:
        workers = [
            subprocess.Popen([*command, str(share), str(before + number)], env=variables, stderr=errors)
            for number, share in enumerate(shares)
        ]
        try:
            with tqdm(total=max(trials, 0), desc="search", unit="trial", leave=False, disable=None) as progress:
                while any(worker.poll() is None for worker in workers) and not any(
                    worker.returncode for worker in workers
                ):
                    time.sleep(0.2)
                    progress.update(len(_ended(opened)) - before - progress.n)
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait(10)
        if any(worker.returncode > 0 for worker in workers):
            errors.seek(0)
            lines = [line.strip() for line in errors if line.strip()] or ["a process of the search has ended"]
            raise ConfigError(lines[-1].removeprefix("error: "))


def _ended(opened: "optuna.Study") -> list["optuna.trial.FrozenTrial"]:
    return [trial for trial in opened.get_trials(deepcopy=False) if trial.state.is_finished()]


def _result(study: Study, opened: "optuna.Study", present: dict[str, Any]) -> dict[str, Any]:
    """What reports/search.json says. Raises ConfigError if no trial could be trained."""
    ended = _ended(opened)
    values_of = {trial.number: trial.value for trial in ended if trial.value is not None}
    complete = [trial for trial in ended if trial.number in values_of]
    if not complete:
        raise ConfigError(
            f"{settings.SEARCH}: all of {len(ended)} trials were refused: {ended[-1].user_attrs.get(REFUSED, '')}"
        )
    ranked = sorted(complete, key=lambda trial: (-study.sign * values_of[trial.number], trial.number))
    params = params_with(study.content, {})
    values = {trial.number: suggested(trial, study.search) for trial in ranked}
    of_present = [values_of[trial.number] for trial in ranked if values[trial.number] == present]
    return {
        "metric": study.search.metric,
        "trials": len(ended),
        "refused": len(ended) - len(complete),
        "parameters": values[ranked[0].number],
        "validation": round(values_of[ranked[0].number], 6),
        "corrected": _corrected(study, [study.predictions(trial.number) for trial in ranked[:TRIALS]], params),
        "present": round(of_present[0], 6) if of_present else None,
    }


def _corrected(study: Study, predictions: list[Path], params: Params) -> dict[str, float]:
    """The metric of the best trial without the advantage of the choice, from what trials predict for the validation rows."""
    actual = read_parquet(config.FEATURES / "validation.parquet")[params.data.target]
    rows = actual.sample(min(ROWS, len(actual)), random_state=params.seed).index
    with MetricProcess(params.package, study.own) as own:
        measures = [
            metrics.measure(actual[rows], read_parquet(path).loc[rows], params, own.measure) for path in predictions
        ]
        return corrected(measures, study.search.metric, len(rows), study.sign, params.seed)


def _lines(content: dict[str, Any]) -> list[str]:
    refused = f", {content['refused']} of which the estimator refused" if content["refused"] else ""
    before = f"; the present parameters have {content['present']:.4f}" if content["present"] is not None else ""
    bounds = content["corrected"]
    return [
        f"search: {content['trials']} trials{refused}; the best has {content['metric']} {content['validation']:.4f} on the validation rows{before}",
        f"search: corrected for the choice among so many: {bounds['value']:.4f} ({bounds['low']:.4f} to {bounds['high']:.4f})",
        *(f"  {name}: {value}" for name, value in content["parameters"].items()),
    ]


def _write(study: Study, values: dict[str, Any]) -> None:
    """Write values into params.yaml, and leave everything else in it as it is."""
    yaml, stream = yaml_as_written(), StringIO()
    yaml.dump(changed(yaml.load(config.PARAMS.read_text(encoding="utf-8")), values), stream)
    write_text(stream.getvalue(), config.PARAMS)


def _repro(*arguments: str) -> None:
    done = dvc("repro", *arguments)
    if done.returncode:
        raise DataError(failure_line(done))
