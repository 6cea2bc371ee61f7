"""DVC, run as a command: what it says when it waits, and what is made of its failures."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.core import dvc as module
from lifecycle.core.dvc import dvc, failure_line
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import git


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_remote_that_accepts_and_never_answers_is_given_up_and_not_in_silence(
    silent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text(f"[core]\n    remote = silent\n['remote \"silent\"']\n    url = {silent}\n")
    (tmp_path / "rows.csv.dvc").write_text(f"outs:\n- md5: {'a' * 32}\n  size: 3\n  hash: md5\n  path: rows.csv\n")
    git("init", "--quiet", folder=tmp_path)
    monkeypatch.setattr(module, "PATIENCE", 1)
    monkeypatch.setitem(module.LONGEST, "get", 12)
    started = time.monotonic()

    done = dvc("get", ".", "rows.csv", "--out", "copy.csv", folder=tmp_path)

    assert done.returncode
    assert 12 <= time.monotonic() - started < 30
    printed = capfd.readouterr().err.splitlines()
    assert printed[0].startswith("dvc get: waiting for the remote, ")
    assert printed[-1].startswith("dvc get: the remote has not answered in 12 s: given up")


def test_data_that_the_cache_lacks_is_named_with_the_way_to_it() -> None:
    stderr = "ERROR: failed to reproduce 'data/raw.csv.dvc': missing data 'source': data/raw.csv\n"

    line = failure_line(subprocess.CompletedProcess((), 1, "", stderr))

    assert line.startswith("data/raw.csv is not in DVC's cache: `dvc pull` brings it; if that fails, whoever made it")


def test_a_full_disk_is_no_failure_of_the_pipeline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    full = tmp_path / "dvc"
    full.mkdir()
    (full / "__init__.py").touch()
    (full / "__main__.py").write_text("raise OSError(28, 'No space left on device')")
    monkeypatch.setattr(module, "environment", lambda: {"PYTHONPATH": str(tmp_path)})

    with pytest.raises(ConfigError, match="dvc repro: No space left on device: free some on the disk of"):
        dvc("repro")
