"""The gate's verdict on the MLflow run of the model it judged, for the registry and for whoever asks later."""

import json
from typing import Any

from << cookiecutter.package >> import config
from << cookiecutter.package >>.errors import ConfigError
from << cookiecutter.package >>.release.report import headline
from << cookiecutter.package >>.tracking import LOCK_HASH, MODEL_HASH, experiment_id, store, tracking_uri


def record(content: dict[str, Any]) -> str:
    """Write the verdict as tags of the model's run and return the run's id.

    Raises ConfigError if there is no such run.
    """
    params = config.load()
    with store(params) as client:
        found = client.search_runs(
            [experiment_id(client, params)], f"tags.`{MODEL_HASH}` = '{content['branch']['model']}'", max_results=1
        )
        if not found:
            raise ConfigError(
                f"MLflow at {tracking_uri(params)} has no run of the model that was judged, so the verdict "
                f"({content['verdict']}) could not be recorded: run `dvc repro`, which tracks it"
            )
        accepted = [finding["why"] for finding in content["metrics"] + content["slices"] if finding["status"] == "accepted"]
        tags = {
            "gate.verdict": content["verdict"],
            "gate.reason": headline(content),
            "gate.accepted": json.dumps(accepted),
            "gate.base": content["base"]["commit"],
            "gate.commit": content["branch"]["commit"],
            f"gate.{MODEL_HASH}": content["branch"]["model"],
            f"gate.{LOCK_HASH}": content["branch"]["lock"],
        }
        for name, value in tags.items():
            client.set_tag(found[0].info.run_id, name, value)
    return found[0].info.run_id
