"""The gate's verdict on the MLflow run of the model it judged, for the registry and for whoever asks later."""

import json
from contextlib import suppress
from typing import Any

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.tracking import LOCK_HASH, run_of, shown, store, tracking_uri
from lifecycle.gate.commit_metadata import lock_hash_of
from lifecycle.gate.report import headline


def record(content: dict[str, Any]) -> str:
    """Write the verdict as tags of the model's run. Return one line saying where, or why it could not be."""
    if others := {reason["kind"] for reason in content["reasons"]} - {"limit"}:
        return f"gate: not recorded: these results are not those of a model ({', '.join(sorted(others))})"
    if content["verdict"] == "pass" and _lock_of(content["base"]["commit"]) == content["branch"]["lock"]:
        return (
            f"gate: not recorded: {content['base']['revision']} has the very same results, so nothing was compared; "
            "name what was there before, such as BASE=HEAD~1"
        )
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
        address = shown(tracking_uri(params))
        with store(params, "the gate can be run again") as client:
            run = run_of(client, params, branch["model"])
            for name, value in tags.items() if run else ():
                client.set_tag(run.info.run_id, name, value)
    except ConfigError as error:
        return f"gate: the verdict stands, but is not recorded: {error}"
    if not run:
        return f"gate: the verdict stands, but is not recorded: MLflow at {address} has no run of this model (`make track` logs it)"
    return f"gate: recorded on run {run.info.run_id} in MLflow at {address}"


def _lock_of(commit: str) -> str | None:
    with suppress(ConfigError):  # a base that is broken is no base to be equal to
        return lock_hash_of(commit)
    return None
