"""Which models a branch is about, on a small repo of git."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.gate.touched_models import touched

Change = Callable[[str], list[str]]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """A repo with the model at the top and north, which share a package, and south, which reads north's table. Call it with a file
    that a commit changes, for the models that are touched."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.email", "ada@example.com")
    git("config", "user.name", "Ada")
    write("params.yaml", "package: mine\n")
    write("models/north/params.yaml", "package: mine\n")
    write("models/south/params.yaml", "package: 'other'\n")
    write("models/south/dvc.lock", "stages: {data: {cmd: x, deps: [{path: ../north/data/raw/a.csv, md5: a1}]}}\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "x")

    def commit(path: str) -> list[str]:
        write(path, "changed: yes\n")
        git("add", "--all")
        git("commit", "--quiet", "--message", "x")
        return touched(git("rev-parse", "HEAD~1"), git("rev-parse", "HEAD"))

    return commit


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


@pytest.mark.parametrize(
    ("path", "models"),
    [
        ("gates.yaml", [""]),
        ("models/north/gates.yaml", ["north"]),
        ("models/north/data/raw/a.csv.dvc", ["north", "south"]),
        ("models/north/data/raw/b.csv.dvc", ["north"]),
        ("src/mine/features.py", ["", "north"]),
        ("src/other/features.py", ["south"]),
        ("src/lifecycle/core/config.py", ["", "north", "south"]),
        ("src/third/features.py", ["", "north", "south"]),
        ("requirements.txt", ["", "north", "south"]),
        ("notes.txt", ["", "north", "south"]),
    ],
)
def test_a_file_touches_the_model_that_has_it_or_reads_it_and_a_shared_one_touches_all(
    change: Change, path: str, models: list[str]
) -> None:
    assert change(path) == models


def test_a_model_that_is_new_is_touched_and_one_that_is_gone_is_not(change: Change) -> None:
    assert change("models/west/params.yaml") == ["west"]
    git("rm", "-r", "--quiet", "models/west")
    assert change("models/north/gates.yaml") == ["north"]


def test_a_package_that_a_model_has_taken_or_left_touches_it(change: Change) -> None:
    base = git("rev-parse", "HEAD")
    write("models/south/params.yaml", "package: mine\n")
    change("src/other/model.py")

    assert touched(base, git("rev-parse", "HEAD")) == ["south"]
