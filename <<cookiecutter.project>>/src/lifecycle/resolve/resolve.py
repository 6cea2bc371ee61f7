"""Finish a merge, rebase or cherry-pick: what the pipeline writes is computed again, never merged.

Every step can be repeated: a run that was cut off is finished by the next one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lifecycle.core import config
from lifecycle.core.dvc import dvc, failure_line
from lifecycle.core.errors import DataError, RefusedError
from lifecycle.core.git import changed_files, environment, git
from lifecycle.core.markdown import counted
from lifecycle.core.model_folders import folder_of, names_here
from lifecycle.resolve.conflicts import Conflict, conflicts, generated_files, is_readable, outputs_of, take_ours
from lifecycle.resolve.operation import Operation, in_progress

Report = Callable[[str], None]
AGAIN = "then run `make resolve` again"


def resolve(data: str | None, report: Report) -> None:
    """Settle the generated files, run the pipeline on what was merged, stage the results, and report which command of git finishes.

    Args:
        data: the version to take of data that both sides changed: ours, theirs or both; None leaves that open.
        report: is called with each line.

    Raises RefusedError if real conflicts are left; DataError if data is missing or the pipeline fails.
    """
    operation, conflicting = in_progress(), conflicts()
    if operation is None and not conflicting:
        report("nothing to resolve: no merge, rebase or cherry-pick is in progress")
        return
    homes = [Path(), *map(folder_of, names_here())]
    of_homes = {home: generated_files(conflicting, home) for home in homes}
    for home in homes:
        _settle(conflicting, of_homes[home], home / config.LOCK, report)
    generated = set[Path]().union(*of_homes.values())
    real = [conflict for conflict in conflicting if conflict.path not in generated]
    for conflict in real:
        if data and conflict.is_pointer:
            from lifecycle.resolve.data_conflict import take  # needs pandas

            report(take(conflict, data))
    _refuse_conflicts([conflict for conflict in real if not (data and conflict.is_pointer)], operation, report)
    _refuse_unstaged(generated)
    _bring_data()
    report("running the pipeline on what was merged ...")
    for home in homes:
        _reproduce(home)
    _require_up_to_date()
    count = sum(_stage(home) for home in homes)
    report(f"staged {counted(count, 'generated file')} of the {operation.name if operation else 'conflict'}")
    report(f"to finish it: {_finish(operation)}")


def _settle(conflicting: list[Conflict], generated: set[Path], lock: Path, report: Report) -> None:
    """Take all generated files of a model from HEAD if one of them conflicts: they belong together, and to HEAD's dvc.lock."""
    count = sum(conflict.path in generated for conflict in conflicting)
    if not count and lock.exists() and not is_readable(lock):
        count = 1  # staged with its conflict markers
    if count:
        take_ours(generated)
        report(f"took our side of {counted(count, 'generated file')} in conflict, for the pipeline to write anew")


def _refuse_conflicts(real: list[Conflict], operation: Operation | None, report: Report) -> None:
    if not real:
        return
    if operation:
        report(f"ours is {operation.side('ours')}; theirs is {operation.side('theirs')}")
    from lifecycle.resolve.data_conflict import describe  # needs pandas

    for conflict in real:
        report(f"  {describe(conflict) if conflict.is_pointer else conflict.advice()}")
    raise RefusedError(f"{counted(len(real), 'conflict')} left to you: resolve what is listed above, {AGAIN}")


def _refuse_unstaged(generated: set[Path]) -> None:
    """The results have to be those of the commit, so what is in the working tree has to be what will be committed."""
    changed = [name for name in changed_files() if Path(name) not in generated]
    if changed:
        raise RefusedError(
            f"{', '.join(changed[:5])}: changes that are not staged would not be in the commit: `git add` or `git restore` them, {AGAIN}"
        )


def _bring_data() -> None:
    """Bring the data that the merged .dvc files name: `dvc repro` alone would write the present data into them."""
    pointers = [name for name in git("ls-files", "-z", "--", "*.dvc").split("\0") if name]
    if not pointers:
        return
    pull = dvc("pull", *pointers)  # not --quiet, which hides the error
    unsaved = [line for line in pull.stderr.splitlines() if Path(line).is_file()]
    if pull.returncode and unsaved:
        name = os.path.relpath(unsaved[0])
        raise RefusedError(
            f"{name}: DVC has no copy of this file, and the merge brings another version: move it away, {AGAIN}"
        )
    if pull.returncode and dvc("status", "--quiet", *pointers).returncode:
        raise DataError(f"dvc pull: {failure_line(pull)}; {AGAIN}")


def _reproduce(home: Path) -> None:
    """Run the pipeline of the model in a folder."""
    command = [sys.executable, "-P", "-m", "dvc", "repro", "--pull", "--quiet"]
    done = subprocess.run(command, cwd=home, env=environment(), stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise DataError(f"the pipeline fails: {failure_line(done)}; mend it and `git add` what you change, {AGAIN}")


def _require_up_to_date() -> None:
    status = dvc("status", "--json")
    if status.returncode:
        raise DataError(f"dvc status: {failure_line(status)}")
    if stale := json.loads(status.stdout):
        raise DataError(f"not up to date after dvc repro: {', '.join(stale)}; `dvc status` says why")


def _stage(home: Path) -> int:
    """Stage what a model's pipeline has written and git does not ignore; return how many files the commit changes by that."""
    lock = home / config.LOCK
    outputs = outputs_of(lock.read_text(encoding="utf-8"), home)
    ignored = subprocess.run(
        ["git", "check-ignore", "-z", "--stdin"],
        env=environment(),
        input="\0".join(outputs),
        capture_output=True,
        text=True,
    )
    written = [str(lock), *sorted(set(outputs) - set(ignored.stdout.split("\0")))]
    git("--literal-pathspecs", "add", "--all", "--", *written)
    return len(changed_files("--cached", "HEAD", "--", *written))


def _finish(operation: Operation | None) -> str:
    if operation is None:
        return "`git commit`"
    if operation.skip and not changed_files("--cached", "--no-relative", "HEAD"):  # of the whole repository
        return f"`{operation.skip}`, because nothing of it is left to commit"
    return f"`{operation.finish}`"
