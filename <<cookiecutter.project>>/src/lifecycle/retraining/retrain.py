"""Retraining: newly labelled rows of the prediction log, in a new version of the dataset, back as a gated pull request.

Nothing here is undone when it is cut off, and nothing has to be: rows stay in the log, the worktree is made anew, the branch
appears when its commit is whole, and whatever is missing after that (data, branch, pull request) the next run finds missing.
"""

import datetime
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lifecycle.core import config
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.files import write_text
from lifecycle.core.git import commit_of, git, text_at
from lifecycle.core.github import GitHubError, on_actions
from lifecycle.core.markdown import plain
from lifecycle.core.worktree import RETRAINING, inside, remove, worktree
from lifecycle.monitoring import settings
from lifecycle.prediction_log.labels import labelled_rows
from lifecycle.retraining import dataset, pull_request
from lifecycle.retraining import retrained_model as candidates
from lifecycle.retraining.new_rows import New
from lifecycle.retraining.pull_request import PREFIX, Pull
from lifecycle.retraining.retrained_model import Candidate

TEXT = Path(".dvc/tmp/retrain.md")  # what the pull request says, for whoever has to open it by hand
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What a person, or monitoring, has asked for."""

    log: Path | str
    reason: str = ""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    local: bool = False


def retrain(asked: Asked, say: Say) -> bool:
    """Retrain, if there is something new to learn; say what was done. Returns whether the gate lets the model through.

    Raises RefusedError if there is nothing to learn from though there was a reason to; what else may stop it is in the functions
    that are called.
    """
    wanted = settings.load().retrain
    pull_request.identity()
    with alone():
        remote = not asked.local and pull_request.has_origin()
        base = pull_request.fetch(wanted.branch) if remote else commit_of(wanted.branch, "retrain.branch:")
        pulls, why_not = _pulls() if remote else ([], "")
        present = next((pull for pull in pulls if pull.open), None)
        if present:
            pull_request.refuse_others(present.branch, base)
        try:
            rows, broken = labelled_rows(asked.log, asked.since, asked.until)
        except OSError as error:
            raise ConfigError(f"{asked.log}: the log cannot be read: {error}") from None
        if broken:
            say(f"{broken:,} lines of the log cannot be read")
        if not rows:
            return _nothing(None, 0, wanted.min_rows, asked.reason, say)
        with worktree(base, RETRAINING / str(os.getpid())) as folder:
            params = config.load(folder / config.PARAMS)
            new, md5 = dataset.add_rows(folder, params, rows, wanted.min_rows)
            if md5 is None:
                return _nothing(new, len(rows), wanted.min_rows, asked.reason, say)
            found = Candidate(new, md5, params)
            for line in candidates.account(found.new):
                say(line)
            name = f"{PREFIX}{datetime.datetime.now(datetime.UTC):%Y-%m-%d}-{found.md5[:8]}"
            branch, commit = _made(found, base, present, name)
            if done := next((pull for pull in pulls if commit and pull.is_of(commit)), None):
                say(f"nothing is new since {pull_request.address(done)}{'' if done.open else ', which was closed'}")
                return True
            if commit:
                say(f"{branch} has these rows already, of a retraining that was cut off: going on from there")
                git("checkout", "--quiet", "--force", "--detach", commit, folder=folder)
            else:
                commit = _make(folder, found, asked.reason, base, branch, say)
            verdict = _gate(folder, base)
            say(f"gate: {verdict['headline']}")
            text = _text(verdict, git("log", "-1", "--format=%b", commit))
            write_text(text, TEXT)
            title = f"{'' if verdict['good'] else 'Not to be merged, the gate says no: '}{git('log', '-1', '--format=%s', commit).strip()}"
            if remote:
                for line in pull_request.push(folder, branch, commit):
                    say(line)
        if not remote:
            say(f"left to do: dvc push, git push origin {branch}, and a pull request with {TEXT}")
        elif why_not:
            say(f"left to do: a pull request of {branch} with {TEXT}, because {why_not}")
        else:
            for line in pull_request.check(branch, Path()):
                say(line)
            say(pull_request.propose(present, branch, wanted.branch, title, text, verdict["good"], commit, Path()))
        return verdict["good"]


@contextmanager
def alone() -> Iterator[None]:
    """Keep a second retraining out, and remove the worktrees of those that were killed.

    Each run has a folder of its own: what a killed one has started may go on for a while, and finds its folder gone.
    Raises RefusedError if this is the second.
    """
    RETRAINING.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{RETRAINING}.lock", timeout=0):
            for folder in RETRAINING.glob("*"):
                remove(folder)
            yield
    except Timeout:
        raise RefusedError("another retraining is running in this repo: wait for it to end") from None


def _pulls() -> tuple[list[Pull], str]:
    """The pull requests of retraining, or why there can be none. On GitHub Actions there has to be one: raises GitHubError."""
    try:
        return pull_request.pulls(Path()), ""
    except GitHubError as error:
        if on_actions():
            raise
        return [], str(error)


def _nothing(new: New | None, labelled: int, enough: int, reason: str, say: Say) -> bool:
    """Say that there is nothing to learn. Raises RefusedError if there was a reason to: then somebody has to know."""
    said = "nothing to learn: the log has no labelled row"
    if new:
        few = f"{len(new.records):,} of the {enough:,} new rows that retrain.min_rows asks for"
        said = f"nothing to learn: {few if new.records else 'no new row'} among {labelled:,} labelled ones"
        said += f"; {new.known:,} are in the dataset already"
        said += f", {new.aside.total():,} set aside ({new.aside.most_common(1)[0][0]})" if new.aside else ""
    if reason:
        raise RefusedError(f"{said}; the reason stays ({reason}): labels come in through /feedback")
    say(said)
    return True


def _made(found: Candidate, base: str, present: Pull | None, name: str) -> tuple[str, str]:
    """The branch for a dataset, and its commit if a retraining has got that far, here or where it is pushed to."""
    path = dataset.pointer(found.params.data.raw)
    listed = git(
        "for-each-ref", "--format=%(objectname) %(refname)", f"refs/heads/{PREFIX}", f"refs/remotes/origin/{PREFIX}"
    )
    for line in listed.splitlines():
        commit, _, ref = line.partition(" ")
        branch = ref[ref.index(PREFIX) :]
        if present and branch != present.branch:
            continue
        parents = git("log", "-1", "--format=%P", commit).split()
        if parents == [base] and dataset.md5_at(text_at(commit, path)) == found.md5:
            return branch, commit
    return (present.branch if present else name), ""


def _make(folder: Path, found: Candidate, reason: str, base: str, branch: str, say: Say) -> str:
    """Run the pipeline, commit, and make the branch."""
    candidates.reproduce(folder, found)
    dataset.push_embedded(folder, found.params.data.raw)
    commit = candidates.commit(folder, found, reason, base)
    git("branch", "--force", branch, commit)
    for line in candidates.figures(found):
        say(line)
    say(f"committed as {branch} ({commit[:9]})")
    return commit


def _gate(folder: Path, base: str) -> dict[str, Any]:
    """Ask the gate of the worktree, and return its verdict with its report."""
    report, content = Path("reports/gate.md"), Path("reports/gate.json")
    command = [sys.executable, "-P", "-m", "lifecycle.cli", "gate", "--base", base]
    done = subprocess.run(
        [*command, "--report", str(report), "--json", str(content)],
        cwd=folder,
        env=inside(folder),
        capture_output=True,
        text=True,
    )
    said = json.loads((folder / content).read_text()) if (folder / content).exists() else {}
    headline = (
        next(iter(done.stdout.splitlines()), "").removeprefix("gate: ") or said.get("error") or done.stderr.strip()
    )
    text = (folder / report).read_text() if (folder / report).exists() else plain(headline)
    return {"good": done.returncode == 0, "headline": headline, "report": text}


def _text(verdict: dict[str, Any], body: str) -> str:
    """What the pull request says."""
    lines = [line for line in body.splitlines() if line.strip() and not line.startswith(candidates.TRAILER)]
    blocked = (
        []
        if verdict["good"]
        else ["**The gate says no, so this is a draft.** What follows says why, and what to do.", ""]
    )
    shown = [f"{'  ' if line.startswith('  ') else ''}- {plain(line.strip())}" for line in lines]
    return "\n".join([*blocked, *shown, "", verdict["report"]])
