"""git answers, or says why it does not: never is its refusal taken for an answer."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.core import version_code
from lifecycle.core.config import Params
from lifecycle.core.dvc import dvc
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import (
    GitError,
    UnknownRevisionError,
    changed_files,
    commit_of,
    files_at,
    git,
    project_folder,
    text_at,
    unique_name,
)
from lifecycle.core.worktree import checked_out, worktree
from lifecycle.gate.base_commit import choose_base
from lifecycle.pipeline.track import _git_tags

FILE = Path("notes/read me.txt")
NOBODY = 65534
ROOT = Path.cwd()  # the rendered project


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with one commit."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")
    for level in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{level}", os.devnull)
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    FILE.parent.mkdir()
    Path("src").mkdir()
    FILE.write_text("größe\n")
    git("add", "--all")
    git("commit", "--quiet", "--no-gpg-sign", "--message", "First")
    return tmp_path


@pytest.fixture
def foreign(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same repo with another owner, as a container sees a folder of its host's."""
    if os.geteuid():
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    else:
        for path in (repo, *repo.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    return repo


def test_a_file_of_a_commit_is_read_by_its_name(repo: Path) -> None:
    assert text_at("HEAD", FILE) == "größe\n"
    assert files_at("HEAD", "notes") == {str(FILE): "größe\n".encode()}


def test_a_file_that_a_commit_does_not_have_is_none(repo: Path) -> None:
    assert text_at("HEAD", Path("other.txt")) is None
    assert text_at("HEAD", FILE.parent) is None


def test_a_project_in_a_subfolder_sees_its_own_files_alone_by_the_names_they_have_there(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = repo / "services/churn.model"
    (project / "src").mkdir(parents=True)
    (project / "params.yaml").write_text("seed: 1\n")
    git("add", "--all")
    git("commit", "--quiet", "--no-gpg-sign", "--message", "Second")
    monkeypatch.chdir(project)
    for path in (Path("params.yaml"), repo / FILE):
        path.write_text("seed: 2\n")

    assert project_folder() == Path("services/churn.model")
    assert text_at("HEAD", Path("params.yaml")) == "seed: 1\n"
    assert text_at("HEAD", FILE) is None
    assert list(files_at("HEAD", ".")) == ["params.yaml"]
    assert changed_files("HEAD") == changed_files("HEAD", "--", ".", ":(exclude,glob)*.md") == ["params.yaml"]
    with checked_out("HEAD", Path("src/checkout")) as folder:
        assert (folder / "params.yaml").read_text() == "seed: 1\n"
        assert project_folder(folder) == project_folder()
    assert not Path("src/checkout").exists()
    assert len(git("worktree", "list").splitlines()) == 1


def test_what_a_repo_has_once_is_named_after_the_folder_of_the_project(repo: Path) -> None:
    project = repo / "services/churn.model"
    project.mkdir(parents=True)

    assert unique_name("relock") == "relock"
    assert unique_name("relock", project) == "services-churn-model-relock"


def test_without_a_repo_a_project_is_in_no_folder_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert (project_folder(), unique_name("relock")) == (Path(), "relock")


def test_a_commit_without_the_project_is_not_worked_in(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "churn").mkdir()
    monkeypatch.chdir(repo / "churn")

    with pytest.raises(ConfigError, match="does not have this project"), worktree("HEAD", Path("checkout")):
        pass

    assert not Path("checkout").exists()


def test_a_revision_that_is_not_there_is_named(repo: Path) -> None:
    with pytest.raises(UnknownRevisionError, match="--base nope: git knows no such revision here"):
        commit_of("nope")


@pytest.mark.parametrize(
    "question",
    [
        lambda params: commit_of("HEAD"),
        lambda params: text_at("HEAD", FILE),
        lambda params: files_at("HEAD"),
        lambda params: changed_files("HEAD"),
        lambda params: version_code.hash_here(params.package),
        lambda params: version_code.hash_at("HEAD"),
        lambda params: choose_base(None, "HEAD"),
        lambda params: _git_tags(),
    ],
    ids=["commit", "text", "files", "changes", "code here", "code of a commit", "base of the gate", "tags of a run"],
)
def test_a_repo_of_another_owner_is_refused_with_gits_own_reason(
    foreign: Path, params: Params, question: Callable[[Params], object]
) -> None:
    with pytest.raises(GitError, match=r"(?s)^git: .*dubious ownership.*safe\.directory"):
        question(params)


@pytest.mark.parametrize("script", [f"{ROOT}/scripts/root_workflows.py", "-m lifecycle.core.pointers"])
def test_what_make_runs_ends_in_a_repo_of_another_owner_with_one_line(foreign: Path, script: str) -> None:
    command, variables = [sys.executable, *script.split()], os.environ | {"PYTHONPATH": str(ROOT / "src")}

    done = subprocess.run(command, env=variables, capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.startswith("error: git: fatal: detected dubious ownership")
    assert done.stderr.count("\n") == 1


def test_a_machine_without_git_is_told_to_install_it(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "git")

    monkeypatch.setattr(subprocess, "run", absent)

    with pytest.raises(GitError, match="git is not installed"):
        commit_of("HEAD")


def test_dvc_that_refuses_a_repo_is_no_folder_of_its_cache(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lifecycle.core.dvc import cache_folder

    cache_folder.cache_clear()
    assert dvc("cache", "dir").returncode  # no .dvc here

    with pytest.raises(ConfigError, match="dvc cache dir: "):
        cache_folder()


def test_a_name_that_a_tag_and_a_branch_have_is_refused(repo: Path) -> None:
    git("branch", "release")
    git("tag", "release")

    with pytest.raises(ConfigError, match="several of this name; write out which one: refs/heads/release, refs/tags/"):
        commit_of("release")


def test_outside_of_a_repo_the_way_on_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(GitError, match=r"not a git repository.*; run this in the folder of the project"):
        commit_of("HEAD")
