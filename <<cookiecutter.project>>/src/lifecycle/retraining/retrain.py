"""Retraining: newly labelled rows of the prediction log, in a new version of the dataset, back as a gated pull request.

A run that is cut off needs no clean-up: rows stay in the log, the worktree is made anew, the branch appears once its commit is
whole, and the next run completes what is missing after that (data, branch, pull request).
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

from filelock import FileLock, Timeout

from lifecycle.core import config
from lifecycle.core.errors import ConfigError, RefusedError
from lifecycle.core.files import write_text
from lifecycle.core.git import check_identity, commit_of, git, has_origin, text_at, unique_name
from lifecycle.core.home import TEMPORARY
from lifecycle.core.markdown import plain
from lifecycle.core.times import Window
from lifecycle.core.worktree import inside, remove, worktree
from lifecycle.prediction_log.labelled_rows import Labelled, labelled_rows
from lifecycle.retraining import dataset, pull_request, retrained_model, settings
from lifecycle.retraining.new_rows import NewRows
from lifecycle.retraining.pull_request import BLOCKED, PREFIX, Proposal, PullRequest
from lifecycle.retraining.retrained_model import TRAILER, RetrainedModel
from lifecycle.retraining.settings import Retraining

WORKTREES = TEMPORARY / "retrain"
TEXT = TEMPORARY / "retrain.md"  # of the pull request, for whoever has to open it by hand
Report = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What was asked for, by a person or by another part."""

    log: Path | str
    window: Window
    reason: str = ""
    local: bool = False


def retrain(options: Options, report: Report) -> bool:
    """Retrain if there are new rows, and report what was done. Returns whether the gate lets the model pass.

    Raises RefusedError if there is nothing to learn from though there was a reason to, and what the functions called here raise.
    """
    limits = settings.load()
    check_identity()
    with only_one():
        remote = not options.local and has_origin()
        if remote:
            base = pull_request.fetch(limits.branch)
            existing, not_known = pull_request.existing(Path())
        else:
            base, existing, not_known = commit_of(limits.branch, "branch of retraining.yaml:"), [], ""
        present = next((pull for pull in existing if pull.open), None)
        if present:
            pull_request.check_own(present.branch, base)
        rows = _rows(options, report)
        if not rows:
            return _nothing_to_learn(None, 0, limits, options.reason, report)
        with worktree(base, WORKTREES / str(os.getpid())) as folder:
            params = config.load(folder / config.PARAMS)
            new, md5 = dataset.add_rows(folder, params, rows, limits.min_rows)
            if md5 is None:
                return _nothing_to_learn(new, len(rows), limits, options.reason, report)
            model = RetrainedModel(new, md5, params)
            for line in retrained_model.account(new):
                report(line)
            branch, commit = _branch(model, base, present)
            if done := next((pull for pull in existing if commit and pull.is_of(commit)), None):
                report(f"nothing is new since {done.address}{'' if done.open else ', which was closed'}")
                return True
            if commit:
                report(f"{branch} has these rows already, from a retraining that was cut off: continuing there")
                git("checkout", "--quiet", "--force", "--detach", commit, folder=folder)
            else:
                commit = _train(folder, model, options.reason, base, branch, report)
            proposal = _gated(folder, base, commit, report)
            write_text(proposal.text, TEXT)
            if remote:
                report(pull_request.push(folder, branch, commit))
        if not remote:
            report(f"left to do: dvc push, git push origin {branch}, and a pull request with {TEXT}")
        elif not_known:
            report(f"left to do: a pull request of {branch} with {TEXT}, because {not_known}")
        else:
            for line in pull_request.start_checks(branch, Path()):
                report(line)
            report(pull_request.propose(present, branch, limits.branch, proposal, commit, Path()))
        return proposal.passes


@contextmanager
def only_one() -> Iterator[None]:
    """Refuse a second retraining at the same time, and remove the worktrees of those that were killed.

    Each run has a folder of its own: what a killed one has started may go on for a while, and finds its folder gone.
    Raises RefusedError if this is the second.
    """
    WORKTREES.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{WORKTREES}.lock", timeout=0):
            for folder in WORKTREES.glob("*"):
                remove(folder)
            yield
    except Timeout:
        raise RefusedError("another retraining is running in this repo: wait until it ends") from None


def _rows(options: Options, report: Report) -> list[Labelled]:
    try:
        rows, broken = labelled_rows(options.log, options.window)
    except OSError as error:
        raise ConfigError(f"{options.log}: the log cannot be read: {error}") from None
    if broken:
        report(f"{broken:,} lines of the log cannot be read")
    return rows


def _nothing_to_learn(new: NewRows | None, labelled: int, limits: Retraining, reason: str, report: Report) -> bool:
    """Report that there is nothing to learn. Raises RefusedError if there was a reason to: then somebody has to know."""
    line = "nothing to learn: the log has no labelled row"
    if new:
        few = f"{len(new.records):,} new rows, min_rows of retraining.yaml is {limits.min_rows:,},"
        line = f"nothing to learn: {few if new.records else 'no new row'} among {labelled:,} labelled ones"
        line += f"; {new.known:,} are in the dataset already"
        line += f", {new.rejected.total():,} left out ({new.rejected.most_common(1)[0][0]})" if new.rejected else ""
    if reason:
        raise RefusedError(f"{line}; the reason remains ({reason}): labels come in through /feedback")
    report(line)
    return True


def _branch(model: RetrainedModel, base: str, present: PullRequest | None) -> tuple[str, str]:
    """The branch for a dataset, and its commit if a retraining has got that far, here or on the remote."""
    pointer = dataset.pointer(model.params.data.raw)
    prefix = unique_name(PREFIX)
    refs = [f"refs/heads/{prefix}", f"refs/remotes/origin/{prefix}"]
    for line in git("for-each-ref", "--format=%(objectname) %(refname)", *refs).splitlines():
        commit, _, ref = line.partition(" ")
        branch = ref[ref.index(prefix) :]
        if present and branch != present.branch:
            continue
        parents = git("log", "-1", "--format=%P", commit).split()
        if parents == [base] and dataset.md5_of(text_at(commit, pointer)) == model.md5:
            return branch, commit
    name = f"{prefix}{datetime.datetime.now(datetime.UTC):%Y-%m-%d}-{model.md5[:8]}"
    return (present.branch if present else name), ""


def _train(folder: Path, model: RetrainedModel, reason: str, base: str, branch: str, report: Report) -> str:
    """Run the pipeline, commit, and make the branch. Returns the commit."""
    retrained_model.reproduce(folder, model)
    dataset.push_embedded(folder, model.params.data.raw)
    commit = retrained_model.commit(folder, model, reason, base)
    git("branch", "--force", branch, commit)
    for line in retrained_model.figures(model):
        report(line)
    report(f"committed as {branch} ({commit[:9]})")
    return commit


def _gated(folder: Path, base: str, commit: str, report: Report) -> Proposal:
    """Run the gate of the worktree, and return what the pull request says."""
    markdown, content = Path("reports/gate.md"), Path("reports/gate.json")
    command = [sys.executable, "-P", "-m", "lifecycle.cli", "gate", "--base", base]
    command += ["--report", str(markdown), "--json", str(content)]
    gate = subprocess.run(command, cwd=folder, env=inside(folder), capture_output=True, text=True)
    verdict = json.loads((folder / content).read_text()) if (folder / content).exists() else {}
    first_line = next(iter(gate.stdout.splitlines()), "").removeprefix("gate: ")
    headline = first_line or str(verdict.get("error") or gate.stderr.strip())
    report(f"gate: {headline}")
    passes = gate.returncode == 0
    body = [line for line in git("log", "-1", "--format=%b", commit).splitlines() if line.strip()]
    lines = (
        [] if passes else ["**Blocked by the gate, so this is a draft.** The report below says why and what to do.", ""]
    )
    lines += [
        f"{'  ' if line.startswith('  ') else ''}- {plain(line.strip())}"
        for line in body
        if not line.startswith(TRAILER)
    ]
    lines += ["", (folder / markdown).read_text() if (folder / markdown).exists() else plain(headline)]
    subject = git("log", "-1", "--format=%s", commit).strip()
    return Proposal(subject if passes else f"{BLOCKED}{subject}", "\n".join(lines), passes)
