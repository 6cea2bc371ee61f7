"""Which changes cannot alter a result."""

import os
from pathlib import Path

import pytest

from lifecycle.core.git import git
from lifecycle.gate.documents import changes_only_documents
from lifecycle.gate.recompute import complete

PIPELINE = "stages:\n  card: {cmd: x, deps: [docs/read.md, notes], outs: [reports/card.md]}\n  track: {cmd: y}\n"
LOCK = (
    "schema: '2.0'\nstages:\n  card:\n    cmd: x\n    deps:\n    - path: docs/read.md\n    - path: notes\n"
    "    outs:\n    - path: reports/card.md\n"
)


def commit() -> None:
    git("add", "--all", "--force")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--no-verify", "--message", "m")


@pytest.fixture(autouse=True)
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    files = {"README.md": "a", "docs/read.md": "a", "notes/a.md": "a", "reports/card.md": "a", "code.py": "a"}
    for name, text in files.items() | {("dvc.yaml", PIPELINE), ("dvc.lock", LOCK)}:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    commit()
    git("tag", "base")


@pytest.mark.parametrize("name", ["README.md", "docs/new.md", "docs/picture.PNG"])
def test_documents_are_no_reason_to_compute_again(name: str) -> None:
    Path(name).write_text("b")
    commit()

    assert changes_only_documents("base", "HEAD")
    assert changes_only_documents("HEAD", "base")  # a file that is gone


@pytest.mark.parametrize(
    "name",
    ["code.py", "dvc.lock", "docs/read.md", "notes/a.md", "notes/b.md", "reports/card.md", "x.csv", "requirements.txt"],
)
def test_what_a_stage_could_read_or_writes_is(name: str) -> None:
    Path("README.md").write_text("b")
    Path(name).write_text("b" if name != "dvc.lock" else LOCK + "# b\n")
    commit()

    assert not changes_only_documents("base", "HEAD")


def test_a_link_and_a_program_are_no_documents() -> None:
    Path("new.md").symlink_to("code.py")
    commit()
    assert not changes_only_documents("base", "HEAD")

    Path("new.md").unlink()
    os.chmod("README.md", 0o755)
    commit()
    assert not changes_only_documents("base", "HEAD")


@pytest.mark.parametrize(
    ("name", "only_documents"), [("other/README.md", True), ("common/read.md", False), ("x.csv", False)]
)
def test_of_a_larger_repository_every_file_counts(
    monkeypatch: pytest.MonkeyPatch, name: str, only_documents: bool
) -> None:
    Path("churn").mkdir()
    Path("churn/dvc.yaml").write_text(PIPELINE)
    Path("churn/dvc.lock").write_text(LOCK.replace("docs/read.md", "../common/read.md"))
    commit()
    git("tag", "--force", "base")
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("b")
    commit()
    monkeypatch.chdir("churn")

    assert changes_only_documents("base", "HEAD") == only_documents


def test_what_is_incomplete_is_computed() -> None:
    assert complete(Path(), "HEAD")

    Path("reports/card.md").unlink()
    assert not complete(Path(), "HEAD")

    Path("dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    commit()
    assert not complete(Path(), "HEAD")
