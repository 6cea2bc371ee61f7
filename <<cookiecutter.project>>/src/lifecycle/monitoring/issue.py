"""The one issue on GitHub that says that something is wrong: opened, brought up to date, closed when it is over."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lifecycle.core.github import api
from lifecycle.core.markdown import plain

MARKER = "<!-- monitoring -->"
MAX_WINDOWS = 14


def update(summary: dict[str, Any], label: str, root: Path) -> list[str]:
    """Bring the issue with the label in line with a window, and say what was done.

    One that strangers may have opened with the same text has not the label, which only collaborators can give.
    Raises GitHubError if GitHub does not answer.
    """
    found = [
        issue
        for issue in api(f"issues?state=open&labels={quote(label)}&per_page=100", root=root)
        if "pull_request" not in issue and (issue["body"] or "").startswith(MARKER)
    ]
    window = f"{summary['window']['since']} to {summary['window']['until']}"
    if summary["status"] == "healthy":
        for issue in found:
            comment = {"body": f"Healthy again, from {window}."}
            api(f"issues/{issue['number']}/comments", "POST", comment, root)
            api(f"issues/{issue['number']}", "PATCH", {"state": "closed"}, root)
        return [f"issue: closed #{issue['number']}, it is over" for issue in found]
    if not found:
        content = {"title": title(summary), "body": body(summary, [_line(summary)]), "labels": [label]}
        made = api("issues", "POST", content, root)
        return [f"issue: opened #{made['number']}: {made['html_url']}"]
    issue = found[-1]  # the first that was opened
    lines = [line for line in issue["body"].splitlines() if line.startswith("- window ")]
    if any(line.startswith(f"- window {window}:") for line in lines):
        return [f"issue: #{issue['number']} has this window already"]
    content = {"title": title(summary), "body": body(summary, [*lines, _line(summary)][-MAX_WINDOWS:])}
    api(f"issues/{issue['number']}", "PATCH", content, root)
    return [f"issue: brought #{issue['number']} up to date: {issue['html_url']}"]


def title(summary: dict[str, Any]) -> str:
    return f"{summary['model']}: what it is asked, or how good it is, has changed"


def body(summary: dict[str, Any], windows: list[str]) -> str:
    """Return the text of the issue: why, the figures that are beyond their thresholds, and the windows so far."""
    rows = [*summary.get("columns", []), *([{"name": "score"} | summary["score"]] if summary.get("score") else [])]
    drifted = [row for row in rows if row.get("status") == "drift"]
    lines = [MARKER, f"Version {plain(summary['version'])} of {plain(summary['model'])} in production:", ""]
    lines += [*(f"- {plain(text)}" for text in summary["reasons"]), ""]
    if drifted:
        lines += ["| column | distance | value | threshold |", "| --- | --- | ---: | ---: |"]
        for row in drifted:
            cells = [row["name"], row["distance"], f"{row['value']:.4f}", f"{row['threshold']:g}"]
            lines.append(f"| {' | '.join(map(plain, cells))} |")
        lines.append("")
    run = os.environ.get("RUN_URL")
    lines += [f"The report is [in the artifacts of this run]({run}#artifacts).", ""] if run else []
    return "\n".join([*lines, "Windows with an alarm so far:", "", *windows]) + "\n"


def _line(summary: dict[str, Any]) -> str:
    window = f"{summary['window']['since']} to {summary['window']['until']}"
    return f"- window {window}: {plain('; '.join(summary['reasons']))[:500]}"
