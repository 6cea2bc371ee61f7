"""Which files of a branch the report names as affecting the verdict, and what a commit contains."""

from pathlib import Path

import pytest

from lifecycle.core.git import git
from lifecycle.gate.commit_metadata import both_retrained, files_affecting_verdict, lock_hash_of, slices_of

EXPECTED = (
    "docs/page.md",
    "params.yaml",
    "dvc.lock",
    "metrics/test.json",
    "src/users/features.py",
    "src/users/model.py",
)
AFFECTING = ("src/lifecycle/core/metrics.py", "src/users/checks.py", "gates.yaml", "Makefile")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with one commit, the base."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    for name, value in {"user.name": "Ada", "user.email": "", "commit.gpgsign": "false"}.items():
        git("config", name, value)
    git("commit", "--quiet", "--allow-empty", "--message", "Base")
    git("branch", "base")
    return tmp_path


def commit(repo: Path, **files: str) -> None:
    for name, text in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)
    git("add", "--all")
    git("commit", "--quiet", "--message", "Change")


def test_only_files_that_no_pull_request_is_expected_to_change_affect_the_verdict(repo: Path) -> None:
    commit(repo, **dict.fromkeys((*EXPECTED, *AFFECTING), "changed"))

    assert files_affecting_verdict("base", "HEAD") == [
        "gates.yaml", "src/lifecycle/core/metrics.py", "src/users/checks.py", "Makefile",
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "readable"), [("stages: {}", True), ("{", False), ("- a", False), (None, False)])
def test_a_dvc_lock_that_cannot_be_read_has_no_hash(repo: Path, text: str | None, readable: bool) -> None:
    if text is not None:
        commit(repo, **{"dvc.lock": text})

    assert (lock_hash_of("HEAD") is not None) == readable


@pytest.mark.parametrize("text", [None, "{", "[]", '{"contract": 3}', '{"contract": {"One year": 3}}'])
def test_slices_of_another_form_are_none(text: str | None) -> None:
    assert slices_of(text) == {}


@pytest.mark.parametrize(
    ("base", "branch", "both"),
    [("two", "three", True), ("one", "two", False), ("two", "one", False), ("two", "two", False)],
)
def test_both_have_retrained_if_each_has_results_of_its_own(repo: Path, base: str, branch: str, both: bool) -> None:
    lock = "stages: {{train: {{cmd: {}}}}}\n"
    commit(repo, **{"dvc.lock": lock.format("one")})
    git("switch", "--quiet", "--create", "branch")
    commit(repo, **{"dvc.lock": lock.format(branch), "other.txt": "branch"})
    git("switch", "--quiet", "--create", "later", "HEAD~1")
    commit(repo, **{"dvc.lock": lock.format(base), "other.txt": "base"})

    assert both_retrained("later", "branch") == both
