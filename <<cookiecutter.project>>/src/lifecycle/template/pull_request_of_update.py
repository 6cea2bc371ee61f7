"""The pull request of an update: its branch is pushed, and it says what was done and what has changed in the template."""

import os
from pathlib import Path

from lifecycle.core.git import NO_HOOKS, git
from lifecycle.core.github import api, open_pull_request
from lifecycle.template.update_report import markdown
from lifecycle.template.update_result import Update


def propose(update: Update, base: str) -> list[str]:
    """Push the branch and open the pull request, or bring the open one up to date. Returns what was done, a line each.

    With conflicts there is nothing to push: they have to be resolved in a clone.

    Raises ConfigError if the branch cannot be pushed, GitHubError if GitHub refuses.
    """
    text = markdown(update)
    if "GITHUB_STEP_SUMMARY" in os.environ:
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(text)
    if update.commit is None:
        return ["nothing was pushed: run `make template-update` in a clone, and resolve the conflicts there"]
    git(*NO_HOOKS, "push", "--quiet", "--force", "origin", f"{update.commit}:refs/heads/{update.branch}")
    title = f"Update from the template: {update.before.version} to {update.after.version}"
    if present := open_pull_request(update.branch):
        api(f"pulls/{present['number']}", "PATCH", {"title": title, "body": text})
        return [f"pushed {update.branch}, updated pull request #{present['number']}: {present['html_url']}"]
    opened = api("pulls", "POST", {"title": title, "body": text, "head": update.branch, "base": base})
    return [f"pushed {update.branch}, opened pull request #{opened['number']}: {opened['html_url']}"]
