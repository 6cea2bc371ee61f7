"""A process of a search: python -m lifecycle.search.worker TRIALS NUMBER

It runs so many trials of a study that it shares with others; NUMBER tells them apart.
"""

import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lifecycle.core import config, metrics, predict
from lifecycle.core.config import Params
from lifecycle.core.entity_history import model_inputs
from lifecycle.core.errors import ConfigError, DataError, ProjectError, exit_with
from lifecycle.core.files import read_parquet, read_yaml, write_parquet
from lifecycle.core.metric_process import MetricProcess
from lifecycle.core.metrics import MeasureOf
from lifecycle.pipeline.decision import decide
from lifecycle.pipeline.train import fit
from lifecycle.search import settings
from lifecycle.search.study import SIDES, Study, of_repo, suggested

if TYPE_CHECKING:
    import optuna

REFUSED = "refused"  # attribute of a trial: why its values cannot be used


@dataclass(frozen=True)
class Sides:
    """What each fit of a study is given."""

    train: pd.DataFrame
    """Rows as `build_features` returns them, with id and target."""
    validation: pd.DataFrame
    inputs: list[str]
    """The raw columns that the model is given."""


def work(trials: int, number: int) -> None:
    """Run so many trials. One whose values the estimator refuses counts."""
    import optuna
    from optuna.trial import TrialState

    params = config.load()
    study = of_repo(settings.load(), params.package)
    sides = _sides(params)
    opened = study.trials()
    opened.sampler = optuna.samplers.TPESampler(seed=params.seed + number, constant_liar=True, multivariate=True)
    with MetricProcess(params.package, study.own) as own:
        for _ in range(trials):
            trial = opened.ask()
            try:
                opened.tell(trial, tried(trial, study, sides, own.measure))
            except (ConfigError, DataError) as error:
                trial.set_user_attr(REFUSED, str(error))
                opened.tell(trial, state=TrialState.FAIL)


def measure_present(study: Study, params: Params) -> float:
    """Return the metric of the model with the present parameters on the validation rows, by a fit that is no trial.

    Raises ConfigError if the estimator refuses them; DataError if the validation rows do not define the metric.
    """
    with MetricProcess(params.package, study.own) as own, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _measured(study, params, _sides(params), own.measure)[0]


def tried(trial: "optuna.Trial", study: Study, sides: Sides, own: MeasureOf) -> float:
    """Return the metric of the model with a trial's values on the validation rows, and keep what it predicts for them.

    Args:
        trial: which values it is to have.
        study: where its predictions go.
        sides: what it is trained on, and measured on.
        own: the measure of the user's metrics.

    Raises ConfigError if the estimator refuses the values; DataError if the validation rows do not define the metric.
    """
    params = settings.params_with(study.content, suggested(trial, study.search))
    metric, predictions = _measured(study, params, sides, own)
    write_parquet(predictions, study.predictions(trial.number))
    return metric


def _sides(params: Params) -> Sides:
    train, validation = (read_parquet(config.FEATURES / f"{side}.parquet") for side in SIDES)
    return Sides(train, validation, model_inputs(read_yaml(config.CONTRACT)["columns"], train, params))


def _measured(study: Study, params: Params, sides: Sides, own: MeasureOf) -> tuple[float, pd.DataFrame]:
    """The metric of a model on the validation rows, and what it predicts for them."""
    validation = sides.validation
    target = validation[params.data.target]
    model = fit(sides.train, sides.inputs, params)
    decide(model, validation, target, params)
    with predict.threads(len(validation)):
        predictions = predict.predict(model, validation, params)
    values = metrics.measure(target, predictions, params, own)(np.ones(len(validation)))
    metric = values.get(study.search.metric, float("nan"))
    if not np.isfinite(metric):
        known = [name for name, value in values.items() if np.isfinite(value)]
        raise DataError(f"{settings.SEARCH}: metric {study.search.metric}: the validation rows have {', '.join(known)}")
    return metric, predictions


if __name__ == "__main__":
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work(*map(int, sys.argv[1:]))
    except ProjectError as error:
        exit_with(error)
