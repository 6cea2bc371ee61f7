"""What is done about a verdict of `monitor`: people are told, and retraining is started. A line for each thing, done or not.

Nothing here stops the next: a webhook that fails loses no issue, and neither loses a retraining.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ProjectError
from lifecycle.core.github import GitHubError, api, on_actions
from lifecycle.monitoring import issue, settings, webhook

RETRAIN = "retrain.yml"
LONGEST = 500  # characters of a reason, as `retrain` takes it


def act(summary: dict[str, Any], folder: Path, root: Path) -> list[str]:
    """Act on the verdict of a window, and say what was done.

    Args:
        summary: as `monitor` writes it: `status`, `reasons`, `window`, `log` and figures.
        folder: where the report of the window is.
        root: the repo.
    """
    wanted = settings.load(root / settings.MONITORING)
    if summary["status"] == "undecided":
        return ["could not decide, so nothing was done"]
    lines = [*_tried("issue", lambda: issue.update(summary, wanted.alert.issue, root))] if wanted.alert.issue else []
    if summary["status"] == "healthy":
        return lines
    alerted = _tried("webhook", lambda: webhook.post(summary, folder, wanted.alert.webhook_seconds))
    return [*alerted, *lines, *_tried("retraining", lambda: _retrain(summary, wanted.retrain.start, root))]


def reason(summary: dict[str, Any]) -> str:
    """Return why there is to be retraining, in one line."""
    text = " ".join(f"monitoring: {'; '.join(summary['reasons'])}".split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _retrain(summary: dict[str, Any], start: str, root: Path) -> list[str]:
    if start == "never":
        return ["retraining: not started, retrain.start of monitoring.yaml is never"]
    if start == "github" or (start == "auto" and on_actions()):
        branch = settings.load(root / settings.MONITORING).retrain.branch
        asked = {"ref": branch, "inputs": {"reason": reason(summary)}}
        api(f"actions/workflows/{RETRAIN}/dispatches", "POST", asked, root)
        return [f"retraining: started {RETRAIN} on GitHub"]
    from lifecycle.retraining.retrain import Asked, retrain

    lines: list[str] = []
    try:
        good = retrain(Asked(summary["log"], reason(summary)), lines.append)
    except ProjectError as error:
        lines.append(f"stopped: {error}")
    else:
        lines.append("done" if good else "done, and the gate says no")
    return [f"retraining: {line}" for line in lines]


def _tried(what: str, work: Callable[[], list[str]]) -> list[str]:
    try:
        return work()
    except GitHubError as error:
        return [f"{what}: not done: {error}"]
    except Exception as error:  # of ours: the others are done all the same
        return [f"{what}: not done: {type(error).__name__}: {error}"]
