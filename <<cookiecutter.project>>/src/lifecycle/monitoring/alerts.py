"""What follows from the status of a window: a webhook, one issue on GitHub, and a retraining. A line for each.

Nothing here stops the next: a webhook that fails loses no issue, and neither loses a retraining.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from lifecycle.core.git import unique_name
from lifecycle.core.github import GitHubError, api, on_actions
from lifecycle.core.home import NAME, at_root
from lifecycle.core.markdown import plain
from lifecycle.core.tables import markdown_table
from lifecycle.monitoring import settings
from lifecycle.monitoring.settings import WEBHOOK, Retrain
from lifecycle.monitoring.summary import Summary

RETRAINING = Path(__file__).parents[1] / "retraining"
WORKFLOW = "retrain.yml"
MAX_REASON = 500  # characters, as `retrain` takes them
MARKER = "monitoring"  # in the text of the issue
MAX_WINDOWS = 14  # in the issue


def act(summary: Summary, folder: Path, root: Path) -> list[str]:
    """Act on the status of a window, and return what was done, a line each.

    Args:
        summary: of the window.
        folder: where its report is.
        root: the repo.
    """
    limits = settings.load(root / settings.MONITORING)
    if summary.status == "undecided":
        return ["undecided: too few rows, so nothing was done"]
    label = limits.alert.issue
    issue = _lines("issue", lambda: update_issue(summary, label, root)) if label else []
    if summary.status == "healthy":
        return issue
    webhook = _lines("webhook", lambda: post_webhook(summary, folder, limits.alert.webhook_seconds))
    return [*webhook, *issue, *_lines("retraining", lambda: start_retraining(summary, limits.retrain, root))]


def post_webhook(summary: Summary, folder: Path, seconds: float) -> list[str]:
    """Send the summary as JSON to the address in MONITORING_WEBHOOK, which is a secret and in no message."""
    address = os.environ.get(WEBHOOK, "").strip()
    if not address:
        return [f"webhook: not sent, {WEBHOOK} is not set"]
    names = ("window", "model", "version", "status", "reasons", "drifted", "rows", "labels")
    message = {"text": f"{summary.model}: {'; '.join(summary.reasons)}", "report": str(folder)}
    message |= {name: value for name, value in summary.to_json().items() if name in names}
    try:
        answer = requests.post(address, json=message, timeout=seconds, allow_redirects=False)
    except (requests.RequestException, ValueError) as error:  # whose text has the address
        return [f"webhook: not delivered ({type(error).__name__})"]
    if not 200 <= answer.status_code < 300:
        return [f"webhook: not delivered (HTTP {answer.status_code})"]
    return ["webhook: delivered"]


def update_issue(summary: Summary, label: str, root: Path) -> list[str]:
    """Open the issue with the label, update it, or close it once the window is healthy.

    Anybody could open an issue with the same text, but only collaborators can give it the label. Raises GitHubError if
    GitHub does not answer.
    """
    of_role = "" if summary.role == "production" else f"-{summary.role}"
    marker = f"<!-- {unique_name(f'{MARKER}{of_role}', root)} -->"
    issues = [
        issue
        for issue in api(f"issues?state=open&labels={quote(label)}&per_page=100", root=root)
        if "pull_request" not in issue and (issue["body"] or "").startswith(marker)
    ]
    if summary.status == "healthy":
        for issue in issues:
            api(f"issues/{issue['number']}/comments", "POST", {"body": f"Healthy again, from {_span(summary)}."}, root)
            api(f"issues/{issue['number']}", "PATCH", {"state": "closed"}, root)
        return [f"issue: closed #{issue['number']}, healthy again" for issue in issues]
    where = f" in {summary.log}" if summary.is_table else ""
    title, line = f"{summary.model}: drift, bad data or worse predictions{where}", _window_line(summary)
    if not issues:
        content: dict[str, Any] = {"title": title, "body": _body(marker, summary, [line]), "labels": [label]}
        opened = api("issues", "POST", content, root)
        return [f"issue: opened #{opened['number']}: {opened['html_url']}"]
    issue = issues[-1]  # the first that was opened
    lines = [text for text in issue["body"].splitlines() if text.startswith("- window ")]
    if any(text.startswith(f"- window {_span(summary)}:") for text in lines):
        return [f"issue: #{issue['number']} lists this window already"]
    content = {"title": title, "body": _body(marker, summary, [*lines, line][-MAX_WINDOWS:])}
    api(f"issues/{issue['number']}", "PATCH", content, root)
    return [f"issue: updated #{issue['number']}: {issue['html_url']}"]


def start_retraining(summary: Summary, retrain: Retrain | None, root: Path) -> list[str]:
    """Start a retraining on GitHub or here, as the settings say. Raises GitHubError if GitHub does not answer."""
    if not RETRAINING.is_dir():
        return ["retraining: not started, it is not part of this repo"]
    if retrain is None or retrain.start == "never":
        return [f"retraining: not started, retrain.start of {settings.MONITORING} is never"]
    if summary.is_table:
        return [
            "retraining: not started, as it learns from the labels in the prediction log, and this is a table of scores"
        ]
    reason = " ".join(f"monitoring: {'; '.join(summary.reasons)}".split())
    reason = reason if len(reason) <= MAX_REASON else reason[: MAX_REASON - 3] + "..."
    if retrain.start == "github" or (retrain.start == "auto" and on_actions()):
        content = {"ref": retrain.branch, "inputs": {"reason": reason, **({"model": NAME} if NAME else {})}}
        workflow = unique_name(WORKFLOW, at_root(root))
        api(f"actions/workflows/{workflow}/dispatches", "POST", content, root)
        return [f"retraining: started {workflow} on GitHub"]
    command = [sys.executable, "-P", "-m", "lifecycle.cli", "retrain", "--log", summary.log, "--reason", reason]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True)
    lines = [line.removeprefix("retrain: ") for line in run.stdout.splitlines()]
    errors = [line.removeprefix("error: ") for line in run.stderr.splitlines() if line.startswith("error: ")]
    if errors or run.returncode not in (0, 1):
        lines.append(f"stopped: {next(iter(errors or run.stderr.splitlines()[-1:]), f'exit code {run.returncode}')}")
    else:
        lines.append("blocked by the gate" if run.returncode else "done")
    return [f"retraining: {line}" for line in lines]


def _body(marker: str, summary: Summary, windows: list[str]) -> str:
    """The text of the issue: the reasons, the columns that drifted, and the windows so far."""
    columns = [
        ("score" if column is summary.score else column.name, column)
        for column in [*summary.columns, summary.score]
        if column
    ]
    cells = [
        [name, column.distance, f"{column.value:.4f}", f"{column.threshold:g}"]
        for name, column in columns
        if column.status == "drift"
    ]
    where = f", scores in {plain(summary.log)}" if summary.is_table else " in production"
    lines = [marker, f"Version {plain(summary.version)} of {plain(summary.model)}{where}:", ""]
    lines += [*(f"- {plain(text)}" for text in summary.reasons), ""]
    if cells:
        header = ["column", "distance", "value", "threshold"]
        rows = [[plain(cell) for cell in row] for row in cells]
        lines += [markdown_table(header, rows, ["left", "left", "right", "right"]), ""]
    run = os.environ.get("RUN_URL")
    lines += [f"The report is [in the artifacts of this run]({run}#artifacts).", ""] if run else []
    return "\n".join([*lines, "Windows with an alarm so far:", "", *windows]) + "\n"


def _window_line(summary: Summary) -> str:
    return f"- window {_span(summary)}: {plain('; '.join(summary.reasons))[:500]}"


def _span(summary: Summary) -> str:
    return f"{summary.window.since.isoformat()} to {summary.window.until.isoformat()}"


def _lines(step: str, work: Callable[[], list[str]]) -> list[str]:
    try:
        return work()
    except GitHubError as error:
        return [f"{step}: failed: {error}"]
    except Exception as error:  # a fault of ours, which must not stop the other steps
        return [f"{step}: failed: {type(error).__name__}: {error}"]
