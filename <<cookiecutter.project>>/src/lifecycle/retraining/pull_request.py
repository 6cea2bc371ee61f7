"""The pull request by which a retrained model comes back: one at a time, brought up to date by the next retraining."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.core.dvc import dvc
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.git import NO_HOOKS, commit_of, git
from lifecycle.core.github import api, gh, on_actions
from lifecycle.retraining.retrained_model import TRAILER

PREFIX = "retrain/"
CHECKS = "pull-request.yml"


@dataclass(frozen=True)
class Pull:
    """A pull request of a branch of ours."""

    number: int
    branch: str
    draft: bool
    open: bool
    body: str
    url: str

    def is_of(self, commit: str) -> bool:
        """Whether everything has been done for a commit: its hash is written into the text last."""
        return marker(commit) in self.body


def pulls(root: Path) -> list[Pull]:
    """Return the pull requests of retraining branches of this repo, open ones first; of each kind, among the latest hundred.

    Raises GitHubError if it cannot be asked.
    """
    found: list[dict[str, Any]] = [*api("pulls?state=open&per_page=100&sort=created&direction=desc", root=root)]
    found += api("pulls?state=closed&per_page=100&sort=created&direction=desc", root=root)
    ours = [
        pull
        for pull in found
        if pull["head"]["ref"].startswith(PREFIX)
        and (pull["head"]["repo"] or {}).get("full_name") == pull["base"]["repo"]["full_name"]  # not a fork's
    ]
    return [
        Pull(
            pull["number"],
            pull["head"]["ref"],
            pull["draft"],
            pull["state"] == "open",
            pull["body"] or "",
            pull["html_url"],
        )
        for pull in ours
    ]


def refuse_others(branch: str, base: str) -> None:
    """Raise RefusedError if somebody else has committed to a branch that is about to be replaced."""
    head = f"refs/remotes/origin/{branch}"
    commits = git("rev-list", "--no-merges", f"{base}..{head}").split()
    ours = [commit for commit in commits if git("log", "-1", f"--format=%(trailers:key={TRAILER})", commit).strip()]
    if ours != commits:
        raise RefusedError(
            f"the open pull request of {branch} has commits that are not of retraining, and would lose them: merge or close it first"
        )


def push(folder: Path, branch: str, commit: str) -> list[str]:
    """Push data, then the commit, to what they are kept in; return what was done.

    The branch is replaced only if it is what it was when this began. Raises ConfigError if either cannot be pushed; the next
    retraining goes on from there.
    """
    done = dvc("push", "--quiet", folder=folder)
    if done.returncode:
        raise ConfigError(
            f"dvc push: {done.stderr.strip()[-300:]}; {branch} is kept, and the same command goes on from there"
        )
    there = git("for-each-ref", "--format=%(objectname)", f"refs/remotes/origin/{branch}").strip()
    if there == commit:
        return [f"data and {branch} are pushed"]
    lease = f"--force-with-lease=refs/heads/{branch}:{there}"
    git(*NO_HOOKS, "push", "--quiet", lease, "origin", f"{commit}:refs/heads/{branch}")
    return [f"pushed data and {branch}"]


def check(branch: str, root: Path) -> list[str]:
    """Have the checks run on a branch: one that a workflow has pushed starts none by itself."""
    if not on_actions():
        return []
    api(f"actions/workflows/{CHECKS}/dispatches", "POST", {"ref": branch}, root)
    return [f"started {CHECKS} on {branch}"]


def propose(
    pull: Pull | None, branch: str, base: str, title: str, text: str, good: bool, commit: str, root: Path
) -> str:
    """Open the pull request, or bring it up to date; a draft, which cannot be merged, if the gate says no."""
    text = f"{text}\n{marker(commit)}\n"
    if pull is None:
        content = {"title": title, "body": text, "head": branch, "base": base, "draft": not good}
        made = api("pulls", "POST", content, root)
        return f"opened pull request #{made['number']}: {made['html_url']}"
    if pull.draft is good:
        gh("pr", "ready", str(pull.number), *([] if good else ["--undo"]), root=root)
    api(f"pulls/{pull.number}", "PATCH", {"title": title, "body": text}, root)
    return f"brought pull request #{pull.number} up to date: {pull.url}"


def fetch(branch: str) -> str:
    """Fetch the branch to be merged into and those of retraining, and return the commit of the former."""
    wanted = [
        f"+refs/heads/{branch}:refs/remotes/origin/{branch}",
        f"+refs/heads/{PREFIX}*:refs/remotes/origin/{PREFIX}*",
    ]
    git("fetch", "--quiet", "--prune", "origin", *wanted)
    return commit_of(f"refs/remotes/origin/{branch}", asked="retrain.branch of monitoring.yaml:")


def marker(commit: str) -> str:
    return f"<!-- retrained: {commit} -->"


def address(pull: Pull) -> str:
    return f"pull request #{pull.number}, {pull.url}"


def has_origin() -> bool:
    """Whether there is a remote to push to."""
    return "origin" in git("remote").split()


def identity() -> None:
    """Raise ConfigError, before anything takes time, if git does not know who commits."""
    for role in ("AUTHOR", "COMMITTER"):
        git("var", f"GIT_{role}_IDENT")
    os.environ.setdefault("GIT_TERMINAL_PROMPT", "0")  # nobody is there to be asked for a password
