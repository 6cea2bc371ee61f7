"""What git is in the middle of, and which of the files it could not merge the pipeline writes."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.core import git as core_git
from lifecycle.resolve.conflicts import conflicts, generated_files, take_ours
from lifecycle.resolve.operation import in_progress

Git = Callable[..., None]
LOCK = "stages:\n  train:\n    outs:\n    - path: {}\n      md5: {}\n"


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A repo with a branch `other`, which differs from main in the generated files, in a.txt and in b.txt."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.com")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> None:
        subprocess.run(["git", *arguments], env=core_git.environment(), capture_output=True, check=False)

    def commit(text: str, outputs: str) -> None:
        Path("metrics").mkdir(exist_ok=True)
        Path("dvc.lock").write_text(LOCK.format(outputs, text))
        Path("metrics/test.json").write_text(text)
        Path("a.txt").write_text(text)
        run("add", "--all")
        run("commit", "--quiet", "--message", text)

    run("init", "--quiet", "--initial-branch=main")
    Path("b.txt").write_text("base")
    commit("base", "metrics")
    run("switch", "--quiet", "--create", "other")
    Path("b.txt").unlink()
    Path("plots").mkdir()
    Path("plots/new.json").write_text("new")
    commit("theirs", "plots")
    run("switch", "--quiet", "main")
    Path("b.txt").write_text("ours")
    commit("ours", "metrics")
    return run


@pytest.mark.parametrize(
    ("command", "name", "finish", "theirs"),
    [
        ("merge other", "merge", "git commit --no-edit", "theirs"),
        ("rebase other", "rebase", "git rebase --continue", "ours"),
        ("rebase --apply other", "rebase", "git rebase --continue", "ours"),
        ("cherry-pick other", "cherry-pick", "git cherry-pick --continue", "theirs"),
        ("revert --no-edit HEAD~1", "revert", "git revert --continue", "base"),
    ],
)
def test_what_git_is_in_the_middle_of_is_named_with_the_command_that_finishes_it(
    git: Git, command: str, name: str, finish: str, theirs: str
) -> None:
    git(*command.split())

    operation = in_progress()

    assert operation is not None
    assert (operation.name, operation.finish) == (name, finish)
    assert operation.side("theirs").split(maxsplit=1)[1] == theirs


def test_nothing_is_in_progress_after_it_was_aborted(git: Git) -> None:
    git("merge", "other")
    git("merge", "--abort")

    assert in_progress() is None
    assert conflicts() == []


def test_files_that_the_pipeline_writes_on_either_side_are_generated_and_others_are_not(git: Git) -> None:
    git("merge", "other")

    conflicting = conflicts()

    assert [str(conflict.path) for conflict in conflicting] == ["a.txt", "b.txt", "dvc.lock", "metrics/test.json"]
    assert {str(path) for path in generated_files(conflicting)} == {"dvc.lock", "metrics/test.json", "plots/new.json"}


def test_what_a_further_model_writes_is_named_from_the_top(git: Git) -> None:
    Path("models/north/metrics").mkdir(parents=True)
    Path("models/north/dvc.lock").write_text(LOCK.format("metrics", "north"))
    Path("models/north/metrics/test.json").write_text("{}")
    git("add", "--all")

    generated = generated_files(conflicts(), Path("models/north"))

    assert {str(path) for path in generated} == {"models/north/dvc.lock", "models/north/metrics/test.json"}


def test_generated_files_are_taken_from_head_as_a_whole(git: Git) -> None:
    git("merge", "other")

    take_ours(generated_files(conflicts()))

    assert [str(conflict.path) for conflict in conflicts()] == ["a.txt", "b.txt"]
    assert Path("metrics/test.json").read_text() == "ours"
    assert not Path("plots/new.json").exists()


def test_a_conflict_says_what_happened_and_what_to_do(git: Git) -> None:
    git("merge", "other")

    lines = [conflict.advice() for conflict in conflicts()]

    assert lines[0] == "a.txt: changed on both sides: edit it, then `git add a.txt`"
    assert lines[1].startswith("b.txt: deleted by theirs and changed by ours: `git add b.txt` to have it")


def test_a_lock_that_was_staged_with_conflict_markers_does_not_stop_it(git: Git) -> None:
    git("merge", "other")
    git("add", "--all")

    assert "<<<<<<<" in Path("dvc.lock").read_text()
    assert {str(path) for path in generated_files(conflicts())} == {"dvc.lock", "metrics/test.json"}
