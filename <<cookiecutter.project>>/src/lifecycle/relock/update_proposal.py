"""The pull request of updated packages: one at a time, replaced by the next run."""

from dataclasses import dataclass, field
from pathlib import Path

from lifecycle.core.dvc import dvc
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.files import write_text
from lifecycle.core.git import NO_HOOKS, git, unique_name
from lifecycle.core.github import api, gh, on_actions, open_pull_request
from lifecycle.core.markdown import counted
from lifecycle.core.tables import markdown_table

BRANCH, TRAILER = "relock", "Relocked-from"
CHECKS = "pull-request.yml"
TEXT = Path(".dvc/tmp/relock.md")  # of the pull request, for whoever has to open it by hand
MAX_NAMED = 8  # packages in a line


@dataclass
class Update:
    """One commit: the versions before and after, and the metrics of the test rows."""

    old: dict[str, str]
    new: dict[str, str]
    package: str
    """That was asked for, or `--upgrade` for all others."""
    before: dict[str, float]
    after: dict[str, float] = field(default_factory=dict)

    @property
    def moved(self) -> list[str]:
        """The packages that moved, each as `name old → new`, the one that was asked for first."""
        names = [name for name in sorted(self.old | self.new) if self.old.get(name) != self.new.get(name)]
        names.sort(key=lambda name: name != self.package)
        return [f"{name} {self.old.get(name, '(new)')} → {self.new.get(name, '(gone)')}" for name in names]

    @property
    def title(self) -> str:
        if self.package in self.old:
            companions = f" and {counted(len(self.moved) - 1, 'more package')}" if len(self.moved) > 1 else ""
            return f"Update {self.moved[0] if self.moved else self.package}{companions}"
        return f"Update {counted(len(self.moved), 'other package')}"

    @property
    def effect(self) -> str:
        """Which metrics of the test rows changed."""
        changes = [
            f"{name} {self.before.get(name, float('nan')):.4f} → {value:.4f}"
            for name, value in self.after.items()
            if value != self.before.get(name)
        ]
        return ", ".join(changes) or "no metric changed"


@dataclass(frozen=True)
class Proposal:
    """What a pull request says."""

    title: str
    text: str
    passes: bool


def proposal(updates: list[Update], gate_report: str, passes: bool) -> Proposal:
    """Return the pull request of some updates: a table of what each changed, then the gate's report."""
    names = [
        ", ".join(update.moved[:MAX_NAMED]) + (", ..." if len(update.moved) > MAX_NAMED else "") for update in updates
    ]
    table = markdown_table(
        ["packages", "metrics of the test rows"],
        [[name, update.effect] for name, update in zip(names, updates, strict=True)],
    )
    blocked = [] if passes else ["**Blocked by the gate, so this is a draft.**"]
    title = updates[0].title if len(updates) == 1 else f"Update packages: {counted(len(updates), 'commit')}"
    return Proposal(title, "\n\n".join([*blocked, table, gate_report]), passes)


def write(content: Proposal) -> None:
    """Write the text for whoever has to open the pull request by hand."""
    write_text(content.text, TEXT)


def push(folder: Path, base: str, commit: str) -> None:
    """Push data, then the commits in place of those of the run before.

    Raises RefusedError if somebody else has committed to the branch; ConfigError if either cannot be pushed.
    """
    branch = unique_name(BRANCH)
    git("fetch", "--quiet", "--prune", "origin", f"+refs/heads/{branch}*:refs/remotes/origin/{branch}*")
    pushed = git("for-each-ref", "--format=%(objectname)", f"refs/remotes/origin/{branch}").strip()
    if pushed:
        trailers = git("log", f"--format=%H%(trailers:key={TRAILER},valueonly)", f"{base}..{pushed}")
        if any(len(line) == len(base) for line in trailers.split("\n") if line):
            raise RefusedError(
                f"the branch {branch} has commits by others, which would be lost: merge or delete it first"
            )
    data = dvc("push", "--quiet", folder=folder)
    if data.returncode:
        raise ConfigError(f"dvc push: {data.stderr.strip()[-300:]}")
    lease = f"--force-with-lease=refs/heads/{branch}:{pushed}"
    git(*NO_HOOKS, "push", "--quiet", lease, "origin", f"{commit}:refs/heads/{branch}")


def propose(content: Proposal) -> str:
    """Open the pull request, or update the one that is open, and start its checks. Returns what was done."""
    branch = unique_name(BRANCH)
    if on_actions():  # a branch that a workflow has pushed starts none by itself
        api(f"actions/workflows/{unique_name(CHECKS)}/dispatches", "POST", {"ref": branch})
    present = open_pull_request(branch)
    content_fields = {"title": content.title, "body": content.text}
    if present is None:
        into = git("branch", "--show-current").strip() or api("")["default_branch"]
        opened = api("pulls", "POST", {**content_fields, "head": branch, "base": into, "draft": not content.passes})
        return f"opened pull request #{opened['number']}: {opened['html_url']}"
    number = present["number"]
    if present["draft"] is content.passes:
        gh("pr", "ready", str(number), *([] if content.passes else ["--undo"]))
    api(f"pulls/{number}", "PATCH", content_fields)
    return f"updated pull request #{number}: {present['html_url']}"
