"""What the base's model predicts, if nobody has the file."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lifecycle.gate import base_predictions


def test_they_are_computed_and_not_taken_from_the_run_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def dvc(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(arguments)
        return subprocess.CompletedProcess(arguments, 1)

    @contextmanager
    def worktree(*arguments: Any) -> Iterator[Path]:
        yield tmp_path

    outs = [{"path": "data/predictions/test.parquet"}]
    monkeypatch.setattr(base_predictions, "output_at", lambda *_: None)
    monkeypatch.setattr(base_predictions, "stages_of_pipeline", lambda _: {"evaluate": {"outs": outs}})
    monkeypatch.setattr(base_predictions, "worktree", worktree)
    monkeypatch.setattr(base_predictions, "dvc", dvc)

    assert base_predictions.base_predictions("0" * 40) is None
    assert commands[-1] == ("repro", "--pull", "--no-run-cache", "evaluate")
