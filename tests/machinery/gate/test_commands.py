"""The command `gate`."""

import argparse
from pathlib import Path

import pytest

from lifecycle.gate import commands, gate


def test_a_report_of_another_run_does_not_outlive_one_that_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gate, "gate", interrupted)
    report, content = tmp_path / "gate.md", tmp_path / "gate.json"
    for path in (report, content):
        path.write_text("PASS")

    with pytest.raises(KeyboardInterrupt):
        commands.gate(argparse.Namespace(base=None, report=report, json=content, record=False))

    assert not report.exists()
    assert not content.exists()
