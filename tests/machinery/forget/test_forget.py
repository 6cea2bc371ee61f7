"""Forgetting a row in a repository with git and DVC: what is done, and what is honestly reported of what is left."""

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet
import pytest

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.dvc import cache_folder, dvc
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.forget.forget import forget
from lifecycle.prediction_log.writer import FEEDBACK, Log
from machinery.prediction_log.log_lines import answer, label

ID = "private-4711"


@pytest.fixture
def repo(tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository of two commits, with two versions of a dataset that have the row, and a remote that has one of them."""
    texts = {name: Path(name).read_text() for name in (str(config.PARAMS), str(config.CONTRACT))}
    monkeypatch.chdir(tmp_path)
    cache_folder.cache_clear()
    git("init", "--quiet")
    for name, text in texts.items():
        Path(name).write_text(text)
    assert not dvc("init", "--quiet").returncode
    remote = (
        f"[core]\n    remote = storage\n    autostage = true\n['remote \"storage\"']\n    url = {tmp_path / 'remote'}\n"
    )
    Path(".dvc/config").write_text(remote)
    raw = params.data.raw
    raw.parent.mkdir(parents=True)
    Path(".gitignore").write_text("/remote\n/log\n")
    Path("notes.md").write_text(f"{ID} was odd\n")
    for rows in (f"{params.data.id},x\n{ID},1\nb,2\n", f"{params.data.id},x\n{ID},1\nb,2\nc,3\n"):
        raw.write_text(rows)
        assert not dvc("add", "--quiet", str(raw)).returncode
        git("add", "--all")
        git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "data")
    assert not dvc("push", "--quiet").returncode
    yield tmp_path
    cache_folder.cache_clear()


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def test_a_row_is_gone_from_what_is_here_and_what_is_held_is_named(repo: Path, params: Params) -> None:
    raw, key = params.data.raw, params.data.id
    Log(repo / "log").write([answer(1, inputs={key: ID}), answer(2, inputs={key: "b"})], "2026-01-31")
    Log(repo / "log").write([label(1)], "2026-01-31", FEEDBACK)
    for folder in ("scores", "scores_2"):
        (repo / folder / "date=2026-01-31").mkdir(parents=True)
        table = arrow.table({key: [ID, "b"], "score": [0.1, 0.2]})
        pyarrow.parquet.write_table(table, repo / folder / "date=2026-01-31/part-0.parquet")

    lines = list(forget(ID, repo / "log", [Path("scores"), Path("scores_2/date=2026-01-31")]))

    assert lines[:5] == [
        f"{repo / 'log'}: 1 answer, 1 label and 0 refusals removed",
        "scores: 1 row removed",
        "scores_2/date=2026-01-31: 1 row removed",
        f"{raw}: 1 row removed",
        f"left to do: `make repro`, `dvc push`, and a commit of {raw}.dvc and the results",
    ]
    assert raw.read_text() == f"{key},x\nb,2\nc,3\n"
    assert not dvc("status", "--json", f"{raw}.dvc").stdout.strip().strip("{}")
    first, second = git("log", "--reverse", "--format=%h").split()
    held = [line for line in lines if line.startswith(f"still held: {raw}")]
    assert [commit for line in held for commit in (first, second) if commit in line] == [second, first]
    assert f"still held: notes.md in git has had {ID} in it: 1 commit ({first})" in lines
    assert git("log", "--format=%h").split() == [second, first]

    (command,) = [line for line in lines if line.startswith("  rm ")]
    assert str(repo / "remote") in command or "remote/" in command
    subprocess.run(command, shell=True, check=True)
    again = list(forget(ID, repo / "log", [Path("scores")]))
    assert [line for line in again if "still held" in line and "notes.md" not in line] == []
    assert any(line.startswith("not looked through: 2 older versions of tables") for line in again)
    assert f"{raw}: 0 rows removed" in again
    check_that_a_dataset_that_was_changed_or_is_not_here_is_refused(raw)


def check_that_a_dataset_that_was_changed_or_is_not_here_is_refused(raw: Path) -> None:
    """Before it is touched."""
    raw.write_text(raw.read_text() + f"{ID},4\n")
    before = raw.read_text()
    with pytest.raises(ConfigError, match="`dvc add` or `dvc checkout` it first"):
        list(forget(ID, None, []))
    assert raw.read_text() == before
    raw.unlink()
    with pytest.raises(DataError, match="not here, so the row cannot be looked for: `dvc pull"):
        list(forget(ID, None, []))


def test_a_path_that_is_not_there_and_a_missing_key_are_one_line(
    tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SERVING_LOG_KEY", raising=False)
    monkeypatch.delenv("SERVING_LOG_KEY_FILE", raising=False)
    text = config.PARAMS.read_text()
    monkeypatch.chdir(tmp_path)
    config.PARAMS.write_text(text)
    log = tmp_path / "log"
    log.mkdir()
    with pytest.raises(ConfigError, match="--scores nowhere: no such file or folder"):
        next(forget(ID, None, [Path("nowhere")]))
    contract = f"columns: {{{params.data.id}: {{dtype: str, metadata: {{log: TAG}}}}}}"
    config.CONTRACT.write_text(contract.replace("TAG", "hash"))
    with pytest.raises(ConfigError, match="is hashed in the prediction log, which needs a key"):
        next(forget(ID, log, []))
    config.CONTRACT.write_text(contract.replace("TAG", "omit"))
    _, line = itertools.islice(forget(ID, log, []), 2)
    assert line.startswith(f"{log}: has no {params.data.id}, which is left out there")
