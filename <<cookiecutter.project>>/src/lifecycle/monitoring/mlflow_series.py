"""The figures of all windows as a series in MLflow: one run for each version and role, a step for each window, at its end."""

import re
from typing import TYPE_CHECKING

from lifecycle.core.config import Params
from lifecycle.core.tracking import experiment_id, store
from lifecycle.monitoring.summary import Summary

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL, VERSION, ROLE = "monitoring.model", "monitoring.version", "monitoring.role"  # tags by which a run is found
BATCH = 1000  # metrics, as many as MLflow takes at a time


def log(summary: Summary, params: Params) -> None:
    """Log a summary. If the window was logged before, what is new is added. Raises ConfigError if MLflow does not answer."""
    with store(params, "the report is written, this window is missing from the series there") as client:
        from mlflow.entities import Metric

        run = _run(client, params, {MODEL: summary.model, VERSION: summary.version, ROLE: summary.role})
        end = int(summary.window.until.timestamp())
        metrics = [Metric(name, value, 1000 * end, end) for name, value in figures(summary).items()]
        for start in range(0, len(metrics), BATCH):
            client.log_batch(run, metrics=metrics[start : start + BATCH])


def figures(summary: Summary) -> dict[str, float]:
    """Return the figures of a window by the names they have in MLflow."""
    values: dict[str, float] = {"rows": summary.rows, "labels": summary.labels, "alarms": len(summary.alarms)}
    values |= {f"drift/{column.name}": column.value for column in summary.columns}
    values |= {"score": summary.score.value} if summary.score else {}
    values |= {f"quality/{finding.check}/{finding.column}": finding.value for finding in summary.quality}
    for group, metrics in (("performance", summary.performance), ("estimated", summary.estimated)):
        for metric in metrics:
            ends = {"": metric.value, ".low": metric.low, ".high": metric.high}
            values |= {f"{group}/{metric.metric}{end}": value for end, value in ends.items()}
    return {re.sub(r"[^\w./ -]", "_", name, flags=re.ASCII): float(value) for name, value in values.items()}


def _run(client: "MlflowClient", params: Params, tags: dict[str, str]) -> str:
    experiment = experiment_id(client, params, f"{params.track.experiment.rstrip('/')}-monitoring")
    query = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    runs = client.search_runs([experiment], query, max_results=1, order_by=["attributes.start_time ASC"])
    if runs:
        return str(runs[0].info.run_id)
    run = client.create_run(experiment, tags=tags, run_name=f"version {tags[VERSION]}, {tags[ROLE]}")
    client.set_terminated(run.info.run_id)  # nothing is running; more can be logged all the same
    return str(run.info.run_id)
