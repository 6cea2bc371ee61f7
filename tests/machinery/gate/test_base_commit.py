"""Which commit the last one is compared with, on small repos of git."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import commit_of
from lifecycle.gate.base_commit import choose_base

Commit = Callable[..., str]


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commit:
    """A new repo; call it to write files and commit them, for the commit's hash."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.email", "ada@example.com")
    git("config", "user.name", "Ada")
    for name, text in {
        "params.yaml": "package: mine\n",
        "contract.yaml": "columns: {}\n",
        "src/mine/model.py": "",
        "src/lifecycle/core/scoring.py": "",
        "src/lifecycle/core/contract.py": "",
    }.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)

    def write(lock: str = "", note: str = "", params: str = "") -> str:
        if lock:
            Path("dvc.lock").write_text(f"stages: {{train: {{cmd: {lock}}}}}\n")
        if params:
            Path("params.yaml").write_text(f"package: mine\nseed: {params}\n")
        Path("notes.md").write_text(note)
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", "x")
        return git("rev-parse", "HEAD")

    return write


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_a_base_that_is_named_is_taken_as_it_is(commit: Commit) -> None:
    commit()
    last = commit(note="a")

    assert choose_base("HEAD", commit_of("HEAD")).commit == last
    assert choose_base("HEAD", commit_of("HEAD")).note == ""


def test_on_main_without_a_remote_it_is_the_commit_before(commit: Commit) -> None:
    first = commit()
    commit("results")

    base = choose_base(None, commit_of("HEAD"))

    assert (base.revision, base.commit) == ("HEAD~1", first)
    assert base.note == "Compared with HEAD~1, because no base was named"


def test_on_main_it_goes_back_to_the_last_commit_with_other_results(commit: Commit) -> None:
    commit()
    sample = commit("results of the sample", "a")
    commit("own results")
    commit(note="limits")
    commit(note="docs")

    base = choose_base(None, commit_of("HEAD"))

    assert (base.revision, base.commit) == (sample[:9], sample)
    assert base.note.startswith(
        "HEAD~1 has the same results and code as HEAD, so this is compared with the last commit"
    )


def test_other_parameters_count_as_other_code(commit: Commit) -> None:
    commit()
    before = commit("results")
    commit(params="2")
    commit(note="docs")

    assert choose_base(None, commit_of("HEAD")).commit == before


def test_right_after_a_push_it_goes_back_along_first_parents(commit: Commit) -> None:
    commit()
    before = commit("old results")
    git("switch", "--quiet", "--create", "branch")
    commit("half of the work")
    commit("new results")
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--no-edit", "branch")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("switch", "--quiet", "--detach")

    base = choose_base(None, commit_of("HEAD"))

    assert base.commit == before
    assert base.note.startswith("origin/main has the same results")


def test_a_branch_is_compared_with_origins_main_before_ones_own(commit: Commit) -> None:
    first = commit("results")
    git("switch", "--quiet", "--create", "branch")
    commit(note="docs")

    assert choose_base(None, commit_of("HEAD")).revision == "refs/heads/main"

    git("update-ref", "refs/remotes/origin/main", first)
    base = choose_base(None, commit_of("HEAD"))

    assert (base.revision, base.commit) == (
        "refs/remotes/origin/main",
        first,
    )  # not further back: a branch merges there


def test_a_single_commit_has_nothing_to_be_compared_with(commit: Commit) -> None:
    commit("results")

    with pytest.raises(ConfigError, match="HEAD is the only commit"):
        choose_base(None, commit_of("HEAD"))


def test_if_nothing_before_differs_the_default_stays(commit: Commit) -> None:
    first = commit("results")
    commit(note="docs")

    base = choose_base(None, commit_of("HEAD"))

    assert base.commit == first
    assert base.note.endswith("no commit before it has other results")


@pytest.mark.parametrize("branch", ["trunk", "release/next"])
def test_in_a_clone_it_is_the_default_branch_of_origin_whatever_its_name(
    commit: Commit, branch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit("results")
    git("branch", "--move", "main", branch)
    git("clone", "--quiet", ".", "clone")
    monkeypatch.chdir(tmp_path / "clone")
    git("switch", "--quiet", "--create", "feature")
    for message in ("a", "b"):
        git("-c", "user.name=Ada", "-c", "user.email=ada@x.org", "commit", "--quiet", "--allow-empty", "-m", message)
    git("rm", "--quiet", "dvc.lock")
    git("-c", "user.name=Ada", "-c", "user.email=ada@x.org", "commit", "--quiet", "-m", "other results")

    base = choose_base(None, commit_of("HEAD"))

    assert base.commit == first
    assert base.note == f"Compared with origin/{branch}, because no base was named"


def test_a_base_without_a_commit_in_common_is_refused_at_once(commit: Commit) -> None:
    commit()
    git("checkout", "--quiet", "--orphan", "other")
    head = commit(note="other")

    with pytest.raises(
        ConfigError, match="base main: git knows no commit that it has in common with HEAD; name the branch"
    ):
        choose_base("main", head)


@pytest.mark.parametrize("on_branch", [False, True])
def test_a_shallow_clone_is_told_how_to_get_the_commits_that_it_lacks(
    commit: Commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_branch: bool
) -> None:
    commit("one")
    commit("two")
    git("clone", "--quiet", "--depth", "1", tmp_path.as_uri(), "shallow")
    monkeypatch.chdir("shallow")
    if on_branch:
        git("remote", "remove", "origin")

    with pytest.raises(ConfigError, match=r"not here.*this clone is shallow: `git fetch --unshallow`"):
        choose_base(None, commit_of("HEAD"))


def test_the_commit_of_the_start_is_compared_even_if_head_moves(commit: Commit) -> None:
    first = commit()
    head = commit("one")
    commit("two")

    assert choose_base(None, head).commit == first
