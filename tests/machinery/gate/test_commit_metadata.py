"""Which files of a branch the report names as affecting the verdict, and what a commit contains."""

import subprocess
from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import commit_of, git
from lifecycle.gate import commit_metadata, staleness, touched_models
from lifecycle.gate.commit_metadata import (
    both_retrained,
    dataset,
    files_affecting_verdict,
    lock_hash_of,
    refuse_links,
    slices_of,
)

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


@pytest.mark.parametrize(
    ("model", "affecting"),
    [("", ["gates.yaml", "Makefile"]), ("north", ["models/north/gates.yaml", "Makefile"])],
)
def test_of_several_models_a_file_affects_the_verdict_on_those_that_have_or_share_it(
    repo: Path, monkeypatch: pytest.MonkeyPatch, model: str, affecting: list[str]
) -> None:
    for module in (commit_metadata, touched_models):
        monkeypatch.setattr(module, "NAME", model)
    of_north = ("models/north/params.yaml", "models/north/metrics/test.json", "models/north/gates.yaml")
    commit(repo, **dict.fromkeys(("params.yaml", "gates.yaml", "Makefile", *of_north), "changed"))

    assert files_affecting_verdict("base", "HEAD") == affecting


@pytest.mark.parametrize("name", ["src/users/features.py", "contract.yaml", "metrics", ".dvc/config"])
def test_a_link_to_what_the_report_does_not_name_is_refused(repo: Path, name: str) -> None:
    commit(repo, **{"docs/file": "text"})
    for link in ("docs/link", name):
        (repo / link).parent.mkdir(parents=True, exist_ok=True)
        (repo / link).symlink_to(repo / "docs/file")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Link")

    with pytest.raises(ConfigError, match=f"^{name} is a link in the commit"):
        refuse_links("HEAD")


def test_a_folder_in_the_place_of_a_file_is_refused(repo: Path) -> None:
    commit(repo, **{"params.yaml/x": "text"})

    with pytest.raises(ConfigError, match=r"^params.yaml is a folder in the commit"):
        refuse_links("HEAD")


def test_a_file_that_got_another_name_is_named_with_both(repo: Path) -> None:
    commit(repo, **{"contract.yaml": "columns: {}\n" * 20})
    git("branch", "--force", "base")
    git("mv", "contract.yaml", "other.yaml")
    git("commit", "--quiet", "--message", "Rename")

    assert files_affecting_verdict("base", "HEAD") == ["contract.yaml", "other.yaml"]


def test_a_submodule_is_named_though_gitmodules_asks_git_to_be_silent(repo: Path) -> None:
    commit(repo, **{".gitmodules": '[submodule "m"]\n\tpath = docs/m\n\turl = ./m\n\tignore = all\n'})
    git("branch", "--force", "base")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},docs/m")
    git("commit", "--quiet", "--message", "Submodule")

    assert files_affecting_verdict("base", "HEAD") == ["docs/m"]


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("stages: {}", True),
        ("{", False),
        ("- a", False),
        ("stages:", False),
        ("vars: {}", False),
        ("stages: []", False),
        (None, False),
    ],
)
def test_a_dvc_lock_that_cannot_be_read_has_no_hash(repo: Path, text: str | None, readable: bool) -> None:
    if text is not None:
        commit(repo, **{"dvc.lock": text})

    assert (lock_hash_of("HEAD") is not None) == readable


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        '{"contract": 3}',
        '{"contract": {"One year": 3}}',
        '{"contract": {"One year": {"rows": "many"}}}',
    ],
)
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


@pytest.mark.parametrize("text", [None, "[", '{"checks": null}', '{"checks": 3, "rows": "many", "columns": -1}'])
def test_of_a_validation_report_of_another_form_nothing_is_known(repo: Path, text: str | None) -> None:
    assert dataset(text, "HEAD") == {"rows": None, "columns": None, "checks": 0, "md5": None}


def test_if_head_moves_the_working_tree_is_not_compared_with_the_commit_that_is_judged(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staleness, "dvc", lambda *_: subprocess.CompletedProcess((), 0, "{}", ""))
    commit(repo, **{"metrics.txt": "0.8"})
    judged = commit_of("HEAD")
    (repo / "metrics.txt").write_text("0.9")

    assert staleness.uncommitted(judged, 0.0) == ["metrics.txt"]
    commit(repo, **{"metrics.txt": "0.9"})
    assert staleness.uncommitted(judged, 0.0) == []
