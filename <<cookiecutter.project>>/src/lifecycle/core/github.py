"""GitHub through its command line, `gh`, which knows the repo and has the token."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ProjectError
from lifecycle.core.git import environment

TIMEOUT = 60  # seconds


class GitHubError(ProjectError):
    """GitHub cannot be reached, or refuses a request."""

    exit_code = 2


def api(endpoint: str, method: str = "GET", body: Any = None, root: Path = Path()) -> Any:
    """Call GitHub's API and return its answer.

    The body goes through a pipe, so that no text of others is ever an argument.

    Args:
        endpoint: of the repo that GH_REPO names, or else `origin`, such as `issues?state=open`.
        method: of HTTP.
        body: sent as JSON.
        root: the repo.

    Raises GitHubError if the call fails.
    """
    command = ["api", f"repos/{{owner}}/{{repo}}/{endpoint}", "--method", method]
    body_options = [] if body is None else ["--input", "-"]
    return json.loads(gh(*command, *body_options, stdin=json.dumps(body), root=root) or "null")


def open_pull_request(branch: str) -> dict[str, Any] | None:
    """Return the open pull request of a branch of this repo, not of a fork, as the API describes it, or None."""
    for pull in api("pulls?state=open&per_page=100"):
        repository = (pull["head"]["repo"] or {}).get("full_name")
        if pull["head"]["ref"] == branch and repository == pull["base"]["repo"]["full_name"]:
            description: dict[str, Any] = pull
            return description
    return None


def gh(*arguments: str, stdin: str = "", root: Path = Path()) -> str:
    """Run `gh` and return what it prints. Raises GitHubError with the first line of its error if it fails."""
    try:
        done = subprocess.run(
            ["gh", *arguments],
            cwd=root,
            env=environment() | {"GH_PROMPT_DISABLED": "1", "NO_COLOR": "1"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    except FileNotFoundError:
        raise GitHubError("the GitHub command line, gh, is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitHubError(f"GitHub does not answer within {TIMEOUT} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        raise GitHubError(f"gh {arguments[0]}: {lines[0][:300]}")
    return done.stdout


def on_actions() -> bool:
    """Whether this runs in a GitHub Actions workflow."""
    return os.environ.get("GITHUB_ACTIONS") == "true"
