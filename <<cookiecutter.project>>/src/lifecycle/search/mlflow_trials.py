"""The trials of a search in MLflow: one run for the search, and a nested run for each trial."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.tracking import experiment_id, store
from lifecycle.search.study import Study, suggested

if TYPE_CHECKING:
    import optuna
    from mlflow import MlflowClient

STUDY, TRIAL = "search.study", "search.trial"  # tags: of the run of a search, and of the run of a trial
PARENT = "mlflow.parentRunId"


def log(study: Study, trials: "list[optuna.trial.FrozenTrial]", params: Params, report: Callable[[str], None]) -> None:
    """Log those trials that are not in MLflow yet. If it does not answer, say so: the next search logs them.

    Args:
        study: what was searched.
        trials: those that have ended.
        params: the experiment.
        report: is given the line that says that nothing was logged.
    """
    try:
        with store(params, "the trials are not logged; the next `make search` does it") as client:
            _log(client, study, trials, experiment_id(client, params))
    except ConfigError as error:
        report(f"warning: {error}")


def _log(client: "MlflowClient", study: Study, trials: "list[optuna.trial.FrozenTrial]", experiment: str) -> None:
    import mlflow.entities as entities

    key = study.folder.name
    searches = client.search_runs([experiment], f"tags.`{STUDY}` = '{key}'", max_results=1)
    parent = searches[0] if searches else client.create_run(experiment, run_name="search", tags={STUDY: key})
    logged = set()
    token: str | None = None
    while True:
        page = client.search_runs([experiment], f"tags.`{PARENT}` = '{parent.info.run_id}'", page_token=token)
        logged |= {run.data.tags[TRIAL] for run in page}
        token = page.token
        if not token:
            break
    for trial in trials:
        if str(trial.number) in logged:
            continue
        tags = {PARENT: parent.info.run_id, TRIAL: str(trial.number)}
        run = client.create_run(experiment, run_name=f"trial {trial.number}", tags=tags)
        values = suggested(trial, study.search)
        ended = trial.datetime_complete
        now = int(ended.timestamp() * 1000) if ended else 0
        client.log_batch(
            run.info.run_id,
            metrics=[entities.Metric(study.search.metric, trial.value, now, 0)] if trial.value is not None else [],
            params=[entities.Param(name, str(value)) for name, value in values.items()],
        )
        client.set_terminated(run.info.run_id, "FINISHED" if trial.value is not None else "FAILED", now)
    client.set_terminated(parent.info.run_id)
