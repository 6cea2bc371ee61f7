"""Files that no model can be made of: one line, an exit code, and the repo as it was."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from lifecycle import cli
from lifecycle.core import config
from lifecycle.core.git import git

GOOD = pd.DataFrame({"x": np.arange(60) % 7, "y": ["yes", "no", "no"] * 20})


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the project's parameters."""
    folder = tmp_path / "repo"
    folder.mkdir()
    shutil.copy(config.PARAMS, folder)
    monkeypatch.chdir(folder)
    git("init", "--quiet")
    git("add", "--all")
    git("-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", "First")
    return folder


def csv(text: str) -> Callable[[Path], Any]:
    return lambda path: path.write_text(text)


def table(frame: pd.DataFrame) -> Callable[[Path], Any]:
    return lambda path: frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)


CASES: dict[str, tuple[str, Callable[[Path], Any], int, str]] = {
    "no such file": ("table.csv", lambda path: None, 2, "table.csv: no such file"),
    "empty": ("table.csv", csv(""), 1, "table.csv: is empty"),
    "header only": ("table.csv", csv("x,y\n"), 1, "table.csv: has a header and no rows"),
    "one row": ("table.csv", csv("x,y\n1,yes\n"), 1, "column y: has a value in 1 of the rows; at least 30 are needed"),
    "binary junk": ("table.csv", lambda path: path.write_bytes(bytes(range(256)) * 9), 1, "table.csv: is not a text file"),
    "junk called Parquet": ("table.parquet", csv("x,y\n1,2\n"), 1, "table.parquet: cannot be read as a table"),
    "an empty folder": ("parts", Path.mkdir, 1, "parts: holds no .parquet file"),
    "no such target": ("table.csv", table(GOOD.rename(columns={"y": "yy"})), 2, "--target y: is not a column of "),
    "no value of the target": ("table.csv", table(GOOD.assign(y="")), 1, "column y: has a value in 0 of the rows"),
    "all rows equal": ("table.csv", table(GOOD.assign(x=1, y="no")), 1, "column y: has one value, 'no': there is nothing to predict"),
    "only the target differs": ("table.csv", table(GOOD.assign(x=1)), 1, "no column is left to predict y from: x: constant"),
    "a column of lists": ("table.parquet", table(GOOD.assign(x=[[1, 2]] * 60)), 1, "table.parquet: column x holds list"),
    "an empty name": ("table.csv", csv("x,,y\n" + "1,2,yes\n" * 40), 1, "table.csv: "),
    "a name twice": ("table.csv", csv("x,x,y\n" + "1,2,yes\n" * 40), 1, "table.csv: "),
    "one column": ("table.csv", csv("y\n" + "yes\nno\n" * 40), 1, "table.csv: has a single column"),
    "an infinite number": ("table.parquet", table(GOOD.assign(x=np.inf)), 1, "column x: 60 infinite values, the first in row 1"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "write", "code", "message"), CASES.values(), ids=CASES)
def test_a_bad_file_is_one_line_and_the_repo_stays_as_it_was(
    repo: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    write: Callable[[Path], Any],
    code: int,
    message: str,
) -> None:
    write(repo.parent / name)

    check_refused(capsys, [str(repo.parent / name), "--target", "y"], code, message)


def test_a_misspelt_target_is_guessed(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    GOOD.rename(columns={"y": "defaulted"}).to_csv("../table.csv", index=False)

    check_refused(
        capsys, ["../table.csv", "--target", "defualted"], 2, "(did you mean defaulted?); it has x, defaulted"
    )


def test_a_disk_without_room_is_noticed_before_anything_is_copied(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        total: int
        used: int
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1000, 990, 10))
    GOOD.to_csv("../table.csv", index=False)

    check_refused(capsys, ["../table.csv", "--target", "y"], 2, "are needed here for it and its copies in DVC")


def test_uncommitted_changes_are_not_lost(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    GOOD.to_csv("../table.csv", index=False)
    with open(config.PARAMS, "a") as params:
        params.write("# mine\n")

    with pytest.raises(SystemExit) as ended:
        cli.main(["adopt", "../table.csv", "--target", "y"])

    assert ended.value.code == 2
    assert "uncommitted changes in params.yaml: commit or stash them first" in capsys.readouterr().err
    assert config.PARAMS.read_text().endswith("# mine\n")


def check_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str) -> None:
    head = git("rev-parse", "HEAD")

    with pytest.raises(SystemExit) as ended:
        cli.main(["adopt", *arguments])

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert len(line) < 600
    assert ended.value.code == code
    assert git("rev-parse", "HEAD") == head
    assert git("status", "--porcelain") == ""
