"""The pull request of a retrained model: one at a time, updated by the next retraining."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.core.dvc import dvc
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.git import NO_HOOKS, commit_of, git, unique_name
from lifecycle.core.github import GitHubError, api, gh, on_actions
from lifecycle.core.home import at_root
from lifecycle.retraining.retrained_model import TRAILER

PREFIX = "retrain/"
CHECKS = "pull-request.yml"
BLOCKED = "Blocked by the gate: "  # before the title


@dataclass(frozen=True)
class PullRequest:
    """A pull request of a retraining branch."""

    number: int
    branch: str
    draft: bool
    open: bool
    body: str
    url: str

    def is_of(self, commit: str) -> bool:
        """Whether everything has been done for a commit: its hash is written into the text last."""
        return marker(commit) in self.body

    @property
    def address(self) -> str:
        return f"pull request #{self.number}, {self.url}"


@dataclass(frozen=True)
class Proposal:
    """What a pull request says."""

    title: str
    text: str
    passes: bool
    """Whether the gate lets it pass; if not, the pull request is a draft, which cannot be merged."""


def existing(root: Path) -> tuple[list[PullRequest], str]:
    """Return the pull requests of retraining, open ones first, and why they are not known, if they are not.

    On GitHub Actions they have to be known: raises GitHubError.
    """
    try:
        return _listed(root), ""
    except GitHubError as error:
        if on_actions():
            raise
        return [], str(error)


def _listed(root: Path) -> list[PullRequest]:
    """The pull requests of retraining branches of this repo; of open and closed ones, among the latest hundred."""
    answers: list[dict[str, Any]] = []
    for state in ("open", "closed"):
        answers += api(f"pulls?state={state}&per_page=100&sort=created&direction=desc", root=root)
    return [
        PullRequest(
            number=answer["number"],
            branch=answer["head"]["ref"],
            draft=answer["draft"],
            open=answer["state"] == "open",
            body=answer["body"] or "",
            url=answer["html_url"],
        )
        for answer in answers
        if answer["head"]["ref"].startswith(unique_name(PREFIX, root))
        and (answer["head"]["repo"] or {}).get("full_name") == answer["base"]["repo"]["full_name"]  # not a fork's
    ]


def check_own(branch: str, base: str) -> None:
    """Raise RefusedError if somebody else has committed to a branch that is about to be replaced."""
    commits = git("rev-list", "--no-merges", f"{base}..refs/remotes/origin/{branch}").split()
    ours = [commit for commit in commits if git("log", "-1", f"--format=%(trailers:key={TRAILER})", commit).strip()]
    if ours != commits:
        raise RefusedError(
            f"the open pull request of {branch} has commits by others, which would be lost: merge or close it first"
        )


def push(folder: Path, branch: str, commit: str) -> str:
    """Push data, then the commit; return what was done.

    The branch is replaced only if it is what it was at the start. Raises ConfigError if either cannot be pushed; the next
    retraining goes on from there.
    """
    data = dvc("push", "--quiet", folder=folder)
    if data.returncode:
        reason = data.stderr.strip()[-300:]
        raise ConfigError(f"dvc push: {reason}; {branch} is kept, and the same command goes on from there")
    pushed = git("for-each-ref", "--format=%(objectname)", f"refs/remotes/origin/{branch}").strip()
    if pushed == commit:
        return f"data and {branch} are pushed already"
    lease = f"--force-with-lease=refs/heads/{branch}:{pushed}"
    git(*NO_HOOKS, "push", "--quiet", lease, "origin", f"{commit}:refs/heads/{branch}")
    return f"pushed data and {branch}"


def start_checks(branch: str, root: Path) -> list[str]:
    """Start the checks of a branch: a branch that a workflow has pushed starts none by itself."""
    if not on_actions():
        return []
    workflow = unique_name(CHECKS, at_root(root))
    api(f"actions/workflows/{workflow}/dispatches", "POST", {"ref": branch}, root)
    return [f"started {workflow} on {branch}"]


def propose(present: PullRequest | None, branch: str, base: str, proposal: Proposal, commit: str, root: Path) -> str:
    """Open the pull request or update it; return what was done.

    Args:
        present: the pull request that is open.
        branch: of the commit.
        base: the branch to merge into.
        proposal: title, text, and whether it may be merged.
        commit: that it proposes.
        root: the repo.
    """
    text = f"{proposal.text}\n{marker(commit)}\n"
    if present is None:
        content = {"title": proposal.title, "body": text, "head": branch, "base": base, "draft": not proposal.passes}
        opened = api("pulls", "POST", content, root)
        return f"opened pull request #{opened['number']}: {opened['html_url']}"
    if present.draft is proposal.passes:
        gh("pr", "ready", str(present.number), *([] if proposal.passes else ["--undo"]), root=root)
    api(f"pulls/{present.number}", "PATCH", {"title": proposal.title, "body": text}, root)
    return f"updated pull request #{present.number}: {present.url}"


def fetch(branch: str) -> str:
    """Fetch the branch to merge into and those of retraining, and return the commit of the former.

    Raises ConfigError if origin does not answer, or does not have the branch.
    """
    prefix = unique_name(PREFIX)
    refs = [
        f"+refs/heads/{branch}:refs/remotes/origin/{branch}",
        f"+refs/heads/{prefix}*:refs/remotes/origin/{prefix}*",
    ]
    try:
        git("fetch", "--quiet", "--prune", "origin", *refs)
    except ConfigError as error:
        raise ConfigError(f"{error}; branch of retraining.yaml is {branch}") from None
    return commit_of(f"refs/remotes/origin/{branch}", "branch of retraining.yaml:")


def marker(commit: str) -> str:
    return f"<!-- retrained: {commit} -->"
