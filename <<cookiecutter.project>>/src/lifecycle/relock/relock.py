"""Renew the lock package by package, and see what each package does to the metrics.

All of it happens in a worktree with an environment of its own. Packages that results depend on are updated one by one, with the
pipeline run after each; all others follow in one commit. Every step is a target of the Makefile.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lifecycle.core import config, package_versions
from lifecycle.core.dvc import failure_line
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.git import NO_HOOKS, check_identity, commit_of, git, has_origin, unique_name
from lifecycle.core.model_folders import folder_of, names_here
from lifecycle.core.requirements import REQUIREMENTS, pinned_versions
from lifecycle.core.worktree import inside, worktree
from lifecycle.relock import update_proposal
from lifecycle.relock.update_proposal import BRANCH, TRAILER, Proposal, Update

WORKTREE = Path(".dvc/tmp/relock")
REPORT, VERDICT = Path("reports/gate.md"), Path("reports/gate.json")
Report = Callable[[str], None]


def relock(local: bool, report: Report) -> bool:
    """Update the lock of the last commit, run the pipeline and the gate, and propose the result as a pull request.

    `local` stops after the commits on the branch `relock`, in a subfolder of a larger repo with its name before it. Returns whether the gate lets them pass.

    Raises ConfigError if nothing can be resolved or installed; DataError if the pipeline fails with a new version.
    """
    check_identity()
    base = commit_of("HEAD")
    with worktree(base, WORKTREE) as folder:
        updates = _update_all(folder, base, report)
        if not updates:
            report("nothing to update: the lock has the newest versions that pyproject.toml allows")
            return True
        commit = git("rev-parse", "HEAD", folder=folder).strip()
        proposal = _gated(folder, base, updates, report)
        update_proposal.write(proposal)
        branch = unique_name(BRANCH)
        if local or not has_origin():
            git("branch", "--force", branch, commit)
            report(f"left to do: dvc push, git push origin {branch}, and a pull request with {update_proposal.TEXT}")
        else:
            update_proposal.push(folder, base, commit)
            git("branch", "--force", branch, commit)
            report(update_proposal.propose(proposal))
    return proposal.passes


def _update_all(folder: Path, base: str, report: Report) -> list[Update]:
    """Update what results depend on one by one, then all others at once, and commit each. Returns the updates."""
    before = _pinned(folder)
    _lock(folder, "--upgrade")
    newest = _pinned(folder)
    homes = [folder / home for home in _homes(folder)]
    written = [str(path.relative_to(folder) / package_versions.ENVIRONMENT) for path in homes]
    git("checkout", "--quiet", "--", str(REQUIREMENTS), *written, folder=folder)
    used = {name: None for home in homes for name in package_versions.recorded(home)}
    single = [name for name in used if name in before and before[name] != newest.get(name)]
    updates = []
    for options in [*(f"--upgrade-package {name}" for name in single), "--upgrade"]:
        present = _pinned(folder)
        _lock(folder, options)
        if not git("status", "--porcelain", "--", ".", folder=folder):
            continue
        update = Update(present, _pinned(folder), options.removeprefix("--upgrade-package "), _metrics(folder))
        report(f"{update.title} ...")
        _make(folder, "setup", PYTHON=sys.executable)
        _make(folder, "repro")
        update.after = _metrics(folder)
        git("add", "--all", folder=folder)
        message = f"{update.title}\n\n{update.effect}\n\n{TRAILER}: {base}"
        git(*NO_HOOKS, "commit", "--quiet", "--no-gpg-sign", "--message", message, folder=folder)
        report(f"  {update.effect}")
        updates.append(update)
    return updates


def _gated(folder: Path, base: str, updates: list[Update], report: Report) -> Proposal:
    """Run the gate in the worktree and its environment, and return what the pull request says."""
    command = [str(_python(folder)), "-P", "-m", "lifecycle.cli", "gate", "--base", base]
    command += ["--report", str(REPORT), "--json", str(VERDICT)]
    done = subprocess.run(command, cwd=folder, env=_environment(folder), capture_output=True, text=True)
    headline = (done.stdout.splitlines() or done.stderr.splitlines() or ["no verdict"])[0]
    report(headline)
    text = (folder / REPORT).read_text(encoding="utf-8") if (folder / REPORT).exists() else headline
    return update_proposal.proposal(updates, text, passes=done.returncode == 0)


def _lock(folder: Path, options: str) -> None:
    done = _run(folder, "lock", UPGRADE=options)
    if done.returncode:
        lines = [
            line.strip(" ×╰─▶│") for line in done.stderr.splitlines() if line.strip() and not line.startswith("make")
        ]
        raise ConfigError(f"the lock cannot be renewed: {' '.join(lines)[:300]}; nothing has changed")


def _make(folder: Path, target: str, **variables: str) -> None:
    done = _run(folder, target, **variables)
    if done.returncode:
        stderr = "\n".join(line for line in done.stderr.splitlines() if not line.startswith("make"))
        done.stderr = stderr
        raise DataError(f"make {target} fails with the new versions: {failure_line(done)}; nothing has changed")


def _run(folder: Path, target: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", "--no-print-directory", target, *(f"{name}={value}" for name, value in variables.items())]
    return subprocess.run(command, cwd=folder, env=_environment(folder), capture_output=True, text=True)


def _environment(folder: Path) -> dict[str, str]:
    """The environment of the worktree: its own packages, or until they are installed those of this process."""
    variables = inside(folder)
    own = str(_python(folder).parent)
    return {name: value for name, value in variables.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")} | {
        "PATH": f"{own}{os.pathsep}{variables['PATH']}"
    }


def _python(folder: Path) -> Path:
    return folder.resolve() / ".venv/bin/python"


def _pinned(folder: Path) -> dict[str, str]:
    text = (folder / REQUIREMENTS).read_text(encoding="utf-8")
    return pinned_versions(text, package_versions.python_version(folder))


def _homes(folder: Path) -> list[Path]:
    """The folders of the models in a checkout, from its top."""
    return [Path(), *map(folder_of, names_here(folder))]


def _metrics(folder: Path) -> dict[str, float]:
    """The metrics of the test rows of every model; of a further one, with its folder before their names."""
    metrics = dict[str, float]()
    for home in _homes(folder):
        path = folder / home / config.METRICS / "test.json"
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        metrics |= {name if home == Path() else f"{home} {name}": value for name, value in content.items()}
    return metrics
