"""The figures of all windows as a series in MLflow: one run for each version and role, a step for each window, at its end."""

import re
from typing import Any

from lifecycle.core.config import Params
from lifecycle.core.tracking import experiment_id, store
from lifecycle.monitoring.history import window_of

MODEL, VERSION, ROLE = (
    "monitoring.model",
    "monitoring.version",
    "monitoring.role",
)  # the tags by which a run is found again
AT_A_TIME = 1000  # metrics, as many as MLflow takes


def log(summary: dict[str, Any], params: Params) -> None:
    """Log a summary. Of a window that is looked at again, what is new is added. Raises ConfigError if MLflow does not answer."""
    with store(params, "the report is written, this window is missing from the series there") as client:
        from mlflow.entities import Metric

        run = _run(client, params, {MODEL: summary["model"], VERSION: summary["version"], ROLE: summary["role"]})
        end = int(window_of(summary).until.timestamp())
        metrics = [Metric(name, value, 1000 * end, end) for name, value in figures(summary).items()]
        for start in range(0, len(metrics), AT_A_TIME):
            client.log_batch(run, metrics=metrics[start : start + AT_A_TIME])


def figures(summary: dict[str, Any]) -> dict[str, float]:
    """Return the figures of a window by the names they have in MLflow."""
    found = {"rows": summary["rows"], "labels": summary["labels"], "alarms": len(summary["alarms"])}
    found |= {f"drift/{one['name']}": one["value"] for one in summary["columns"]}
    found |= {"score": summary["score"]["value"]} if summary["score"] else {}
    found |= {f"quality/{one['check']}/{one['column']}": one["value"] for one in summary["quality"]}
    for one in summary["performance"]:
        found |= {f"performance/{one['metric']}{end}": one[key] for end, key in _ENDS.items()}
    return {re.sub(r"[^\w./ -]", "_", name, flags=re.ASCII): float(value) for name, value in found.items()}


def _run(client: Any, params: Params, tags: dict[str, str]) -> str:
    experiment = experiment_id(client, params, f"{params.track.experiment.rstrip('/')}-monitoring")
    where = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found = client.search_runs([experiment], where, max_results=1, order_by=["attributes.start_time ASC"])
    if found:
        return found[0].info.run_id
    made = client.create_run(experiment, tags=tags, run_name=f"version {tags[VERSION]}, {tags[ROLE]}")
    client.set_terminated(made.info.run_id)  # nothing is running; more can be logged all the same
    return made.info.run_id


_ENDS = {"": "value", ".low": "low", ".high": "high"}
