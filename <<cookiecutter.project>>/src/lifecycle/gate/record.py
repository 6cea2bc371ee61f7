"""The gate's verdict on the MLflow run of the model it checked, for whoever needs it later."""

import json
from typing import Any

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.tracking import LOCK_HASH, run_of, store, tracking_uri, without_password
from lifecycle.core.version_code import CODE_HASH
from lifecycle.gate.check_result import ACCEPTED
from lifecycle.gate.commit_metadata import lock_hash_of
from lifecycle.gate.report import headline
from lifecycle.gate.report_exceptions import results_with_exceptions

# Kinds of reasons that are about the model; others: it is not the pipeline's.
JUDGED = {"limit", "fairness", "weak_slice", "cost", "baseline", "new_problem"}


def record(content: dict[str, Any]) -> str:
    """Write the verdict as tags of the model's run. Returns one line saying where, or why it was not recorded."""
    base, branch, code = content["base"], content["branch"], content["code"]
    if kinds := {reason["kind"] for reason in content["reasons"]} - JUDGED:
        return f"gate: not recorded: the committed results are not the pipeline's ({', '.join(sorted(kinds))})"
    same = lock_hash_of(base["commit"]) == branch["lock"] and not code["changed"]
    if same and content["verdict"] == "pass":
        return (
            f"gate: not recorded: {base['revision']} has the same results and the same code, so nothing was compared; "
            "leave BASE out for the last commit that has others"
        )
    results = results_with_exceptions(content)
    tags = {
        "gate.verdict": content["verdict"],
        "gate.reason": headline(content),
        "gate.accepted": json.dumps([result["why"] for result in results if result["status"] == ACCEPTED]),
        "gate.base": base["commit"],
        "gate.commit": branch["commit"],
        f"gate.{LOCK_HASH}": str(branch["lock"]),
        f"gate.{CODE_HASH}": str(code["sha256"]),
    }
    try:
        params = config.load()
        address = without_password(tracking_uri(params))
        with store(params, "the gate can be run again") as client:
            run = run_of(client, params, branch["model"])
            if run:
                for name, value in tags.items():
                    client.set_tag(run.info.run_id, name, value)
    except ConfigError as error:
        return f"gate: the verdict stands, but is not recorded: {error}"
    if run is None:
        return f"gate: the verdict stands, but is not recorded: MLflow at {address} has no run of this model (`make track` logs it)"
    return f"gate: recorded on run {run.info.run_id} in MLflow at {address}"
