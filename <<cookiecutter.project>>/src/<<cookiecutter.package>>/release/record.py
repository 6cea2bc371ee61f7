"""The gate's verdict on the MLflow run of the model it judged, for the registry and for whoever asks later."""

import json
from typing import Any

from << cookiecutter.package >> import config
from << cookiecutter.package >>.errors import ConfigError
from << cookiecutter.package >>.release.report import headline
from << cookiecutter.package >>.tracking import (
    LOCK_HASH,
    MODEL_HASH,
    experiment_id,
    store,
    tracking_uri,
)


def record(content: dict[str, Any]) -> str:
    """Write the verdict as tags of the model's run. Return one line saying where, or why it could not be."""
    if others := {reason["kind"] for reason in content["reasons"]} - {"limit"}:
        return f"gate: not recorded: these results are not those of a model ({', '.join(sorted(others))})"
    findings = content["metrics"] + content["slices"]
    branch = content["branch"]
    tags = {
        "gate.verdict": content["verdict"],
        "gate.reason": headline(content),
        "gate.accepted": json.dumps([finding["why"] for finding in findings if finding["status"] == "accepted"]),
        "gate.base": content["base"]["commit"],
        "gate.commit": branch["commit"],
        f"gate.{LOCK_HASH}": str(branch["lock"]),
    }
    try:
        params = config.load()
        address = tracking_uri(params)
        with store(params, "the gate can be run again") as client:
            experiment = experiment_id(client, params)
            found = client.search_runs([experiment], f"tags.`{MODEL_HASH}` = '{branch['model']}'", max_results=1)
            for name, value in tags.items() if found else ():
                client.set_tag(found[0].info.run_id, name, value)
    except ConfigError as error:
        return f"gate: the verdict stands, but is not recorded: {error}"
    if not found:
        return f"gate: the verdict stands, but is not recorded: MLflow at {address} has no run of this model (dvc repro tracks it)"
    return f"gate: recorded on run {found[0].info.run_id} in MLflow at {address}"
