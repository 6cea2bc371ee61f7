"""A process of a search: python -m lifecycle.search.worker TRIALS NUMBER

It runs so many trials of a study that it shares with others; NUMBER tells them apart.
"""

import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lifecycle.core import config, metrics, predict
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


def work(trials: int, number: int) -> None:
    """Run so many trials. One whose values the estimator refuses counts."""
    import optuna
    from optuna.trial import TrialState

    params = config.load()
    study = of_repo(settings.load(), params.package)
    train, validation = (read_parquet(config.FEATURES / f"{side}.parquet") for side in SIDES)
    inputs = model_inputs(read_yaml(config.CONTRACT)["columns"], train, params)
    opened = study.trials()
    opened.sampler = optuna.samplers.TPESampler(seed=params.seed + number, constant_liar=True, multivariate=True)
    with MetricProcess(params.package, study.own) as own:
        for _ in range(trials):
            trial = opened.ask()
            try:
                opened.tell(trial, tried(trial, study, train, validation, inputs, own.measure))
            except (ConfigError, DataError) as error:
                trial.set_user_attr(REFUSED, str(error))
                opened.tell(trial, state=TrialState.FAIL)


def tried(
    trial: "optuna.Trial",
    study: Study,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    inputs: list[str],
    own: MeasureOf,
) -> float:
    """Return the metric of the model with a trial's values on the validation rows, and keep what it predicts for them.

    Args:
        trial: which values it is to have.
        study: where its predictions go.
        train: rows as `build_features` returns them, with id and target.
        validation: likewise.
        inputs: the raw columns that the model is given.
        own: the measure of the user's metrics.

    Raises ConfigError if the estimator refuses the values; DataError if the validation rows do not define the metric.
    """
    params = settings.params_with(study.content, suggested(trial, study.search))
    model = fit(train, inputs, params)
    decide(model, validation, validation[params.data.target], params)
    with predict.threads(len(validation)):
        predictions = predict.predict(model, validation, params)
    values = metrics.measure(validation[params.data.target], predictions, params, own)(np.ones(len(validation)))
    metric = values.get(study.search.metric, float("nan"))
    if not np.isfinite(metric):
        known = [name for name, value in values.items() if np.isfinite(value)]
        raise DataError(f"{settings.SEARCH}: metric {study.search.metric}: the validation rows have {', '.join(known)}")
    write_parquet(predictions, study.predictions(trial.number))
    return metric


if __name__ == "__main__":
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work(*map(int, sys.argv[1:]))
    except ProjectError as error:
        exit_with(error)
