"""GitHub as monitoring asks it: through the GitHub CLI, which knows the repo and has the token."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ProjectError
from lifecycle.core.git import environment

SECONDS = 60


class GitHubError(ProjectError):
    """GitHub cannot be asked, or says no."""

    exit_code = 2


def api(endpoint: str, method: str = "GET", body: Any = None, root: Path = Path()) -> Any:
    """Call GitHub's API for the repo that GH_REPO names, or else `origin`. Raises GitHubError if it does not answer with success.

    What is sent goes through a pipe, so that no text of others is ever an argument.
    """
    command = ["api", f"repos/{{owner}}/{{repo}}/{endpoint}", "--method", method]
    given = [] if body is None else ["--input", "-"]
    return json.loads(gh(*command, *given, given=json.dumps(body), root=root) or "null")


def gh(*arguments: str, given: str = "", root: Path = Path()) -> str:
    """Run the GitHub CLI and return what it prints. Raises GitHubError with its last line if it fails."""
    try:
        done = subprocess.run(
            ["gh", *arguments],
            cwd=root,
            env=environment() | {"GH_PROMPT_DISABLED": "1", "NO_COLOR": "1"},
            input=given,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except FileNotFoundError:
        raise GitHubError("the GitHub CLI, gh, is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitHubError(f"GitHub does not answer within {SECONDS} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        raise GitHubError(f"gh {arguments[0]}: {lines[0][:300]}")
    return done.stdout


def on_actions() -> bool:
    """Whether this runs in a workflow of GitHub's."""
    return os.environ.get("GITHUB_ACTIONS") == "true"
