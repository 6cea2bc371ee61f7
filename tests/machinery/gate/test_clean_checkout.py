"""One gate at a time: the second says that it waits, and does not wait for ever."""

from pathlib import Path

import pytest
from filelock import FileLock

from lifecycle.core.errors import ConfigError
from lifecycle.core.worktree import GATE
from lifecycle.gate import recompute


def test_a_second_gate_says_that_it_waits_and_then_why_it_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recompute, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(recompute, "LONGEST_SECONDS", 0.05)
    GATE.parent.mkdir(parents=True)

    with (
        FileLock(f"{GATE}.lock"),
        pytest.raises(ConfigError, match=r"gate\.lock: another gate has been running for an hour"),
        recompute.clean_checkout("HEAD"),
    ):
        pass

    assert capsys.readouterr().err == "gate: another gate is running in this repo; this one waits for it\n"
