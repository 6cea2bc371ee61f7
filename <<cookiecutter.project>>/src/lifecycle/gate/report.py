"""The gate's report in words: the verdict in one line, remarks and next steps. Other modules lay it out.

Standard library only: scripts/post_pull_request_comment.py runs this without the project's environment.
"""

from typing import Any

from lifecycle.core.markdown import counted
from lifecycle.gate.report_comparison import SHORT, broken, exchanged, rule
from lifecycle.gate.report_exceptions import acceptable, results_with_exceptions
from lifecycle.gate.report_files import review
from lifecycle.gate.report_tables import MAX_ROWS, moved_slices

NEXT_STEPS = {
    "environment": "run the command at the end of the line; after make environment also make repro, and commit what both write",
    "pipeline": "run make repro to see the whole error; if the data breaks the contract, reports/validation_failed.json lists all of it",
    "undeclared": "add each file to deps of the stages in dvc.yaml that use it, run make repro and commit",
    "stale": "run make repro and commit what it writes: dvc.lock, metrics, plots and reports",
    "refused": "take the file out of the branch",
    "uncommitted_results": "commit the file itself: it is an output with cache: false in dvc.yaml, so git has to have it",
    "altered": "let the pipeline write the results: run dvc repro --force and commit what it writes",
    "uncommitted": "commit the change (for data, dvc add first), or undo it with git stash and dvc checkout",
    "unknown_rows": "run make repro on the base, so that DVC's cache has its predictions, or dvc push them from where they are",
    "new_problem": "have somebody allow it: a separate pull request adds these lines to gates.yaml of the base",
    "fairness": "make the model better for the group that is behind",
    "weak_slice": "look at the rows of that slice, and give the model what it lacks there",
    "cost": "make the model cheaper, with a smaller estimator or fewer inputs; or have a reviewer change cost in the gates.yaml that applies, in a separate pull request",
    "baseline": "make the model better than that: look at features, target and split; or lower beats in the gates.yaml that applies (better than the trivial model is always demanded)",
    "limit": "make the model better",
    "accept": "or have a reviewer accept the regression for a while, in a separate pull request that adds this under exceptions in gates.yaml (replacing [] if there are none):",
    "own limit": "make the model better; or change the limits in this branch's gates.yaml, which apply here already (`gate propose --anew` writes them anew)",
    "gone": "measure again what the base has (slices: evaluate.slices in params.yaml), or compare with a base that has the same dataset and task",
}


def headline(content: dict[str, Any]) -> str:
    """Return the verdict in one line."""
    base = base_name(content)
    reasons = [reason["text"] for reason in content["reasons"]]
    if reasons:
        more = f"; and {counted(len(reasons) - 1, 'more reason')}" if len(reasons) > 1 else ""
        return f"FAIL against {base}: {reasons[0]}{more}"
    if unchanged(content):
        return f"PASS: nothing changed: metrics, parameters, data and code are those of {base}"
    notes = []
    if broken(content):
        notes.append("the base cannot be read, so only absolute limits were checked")
    elif changes := exchanged(content):
        notes.append(
            f"another problem than the base's ({', '.join(changes)}), so only this branch's own limits were checked"
        )
    elif not content["base"]["has_metrics"]:
        notes.append("no baseline: the base has no metrics, so only absolute limits were checked")
    for status in ("within noise", "accepted"):
        names = [result["name"] for result in results_with_exceptions(content) if result["status"] == status]
        notes += [f"{status}: {', '.join(names[:MAX_ROWS])}"] if names else []
    if notes:
        return "; ".join([f"PASS against {base}", *notes])
    metrics = content["metrics"]
    return f"PASS against {base}: {counted(len(metrics), 'metric')} within {'its' if len(metrics) == 1 else 'their'} limits"


def unchanged(content: dict[str, Any]) -> bool:
    """Whether the branch passes and changes no metric, slice, parameter, dataset or code that matters."""
    moved = any(result["change"] != 0 for result in content["metrics"]) or moved_slices(content)
    data = content["data"]["base"] != content["data"]["branch"]
    code = content["files_affecting_verdict"] or content["code"]["changed"] or content.get("review")
    return not (content["reasons"] or moved or content["params"] or data or code)


def remarks(content: dict[str, Any]) -> list[str]:
    """Return what the tables do not show, a line each."""
    noted = ("within noise", "accepted")
    lines = [result["why"] for result in results_with_exceptions(content) if result["status"] in noted]
    lines += [f"Rule: {rule(content)}"] if content["metrics"] else []
    before, after = content["data"]["base"], content["data"]["branch"]
    if after["rows"] is None:
        pass  # the pipeline failed before it was read
    elif before["rows"] is None:
        lines.append(f"Data: {_dataset(after)}")
    elif all(before[key] == after[key] for key in ("md5", "rows", "columns")):
        lines.append(f"Data: unchanged, {_dataset(after)}")
    else:
        lines.append(f"Data: changed from {_dataset(before)} to {_dataset(after)}")
    if not any(reason["kind"] == "pipeline" for reason in content["reasons"]):
        lines.append(f"Data validation: {counted(after['checks'], 'check')} of contract.yaml passed, none failed")
    if searched := content.get("weak_slices", {}).get("searched"):
        listed = len(content["weak_slices"]["slices"])
        lines.append(
            f"Weak slices: {listed or 'none'} among {searched['slices']:,} searched on {searched['rows']:,} validation rows"
        )
    lines += [content[name] for name in ("searched", "threshold") if content.get(name)]
    if content["code"]["changed"]:
        lines.append(
            "Prediction code: changed since the base (the code that is stored with the model, params.yaml or contract.yaml), "
            "so answers may differ even where no metric does"
        )
    lines += content.get("own_metrics", {}).get("notes", [])
    lines += review(content["files_affecting_verdict"])
    lines += content["policy"].get("unused", [])
    if later := content["policy"]["later"]:
        lines.append(f"Under this branch's own gates.yaml it would FAIL: {'; '.join(later[:MAX_ROWS])}")
    if content["policy"]["of"] == "branch":
        lines.append(f"The branch's own gates.yaml was applied: {content['policy'].get('why') or 'the base has none'}")
    if content["branch"]["behind"]:
        lines.append(_behind(content))
    return lines


def next_steps(content: dict[str, Any]) -> list[str]:
    """Return what to do about the reasons, in this order."""
    kinds = {reason["kind"] for reason in content["reasons"]}
    limited, missing = kinds & {"limit", "fairness", "weak_slice"}, "limit" in kinds and not acceptable(content)
    if limited and content["policy"]["of"] == "branch":
        kinds = kinds - limited | {"own limit"}
    elif missing:  # nothing that fails has a value that could be accepted
        kinds = kinds - {"limit"} | {"gone"}
    elif limited and acceptable(content):
        kinds = kinds | {"accept"}
    return [step for kind, step in NEXT_STEPS.items() if kind in kinds]


def base_name(content: dict[str, Any]) -> str:
    """Return the base as it was named, and its commit."""
    revision, commit = content["base"]["revision"], content["base"]["commit"]
    revision = revision.removeprefix("refs/remotes/").removeprefix("refs/heads/")
    return commit[:SHORT] if commit.startswith(revision) else f"{revision} ({commit[:SHORT]})"


def _behind(content: dict[str, Any]) -> str:
    """How to bring a branch up to date that lacks commits of its base."""
    behind = f"This branch is {counted(content['branch']['behind'], 'commit')} behind its base"
    if content["branch"].get("both_retrained"):
        base = base_name(content).partition(" ")[0]
        return f"{behind}, and both have retrained: run git merge {base}, then make resolve, which computes the results of both together"
    return f"{behind}: merge the base first for a fair comparison"


def _dataset(data: dict[str, Any]) -> str:
    if data["rows"] is None:
        return "unknown"
    return f"{counted(data['rows'], 'row')} × {data['columns']} columns (DVC {str(data['md5'])[:SHORT]})"
