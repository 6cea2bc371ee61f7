"""A report is there as a whole, or not at all."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.core.errors import DataError
from lifecycle.monitoring import window_report
from machinery.monitoring import lab


def test_a_report_that_is_not_finished_leaves_nothing_but_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "window").mkdir()
    (tmp_path / "window" / "summary.json").write_text("old")

    def fail() -> None:
        with window_report.unfinished(tmp_path) as folder:
            (folder / "summary.json").write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert [path.read_text() for path in tmp_path.rglob("*.json")] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["window"]


def test_two_monitors_at_once_leave_one_whole_report(tmp_path: Path) -> None:
    def monitor(name: str) -> None:
        for _ in range(20):
            with window_report.unfinished(tmp_path) as folder:
                for file in ("summary.json", "summary.md", "drift.html"):
                    (folder / file).write_text(name)
                with window_report.locked(tmp_path):
                    window_report.put(folder, tmp_path / "window")

    threads = [threading.Thread(target=monitor, args=(name,)) for name in ("first", "second", "third")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {path.name for path in tmp_path.iterdir()} == {"window", ".lock"}
    assert len(list((tmp_path / "window").iterdir())) == 3
    assert len({path.read_text() for path in (tmp_path / "window").iterdir()}) == 1


def test_a_page_that_cannot_be_drawn_does_not_cost_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(compared: Any, title: str, paragraphs: list[str], page: Path) -> None:
        page.write_text("half of it")
        raise DataError("drift.html: injected fault")

    monkeypatch.chdir(tmp_path)
    compared: Any = [SimpleNamespace()]

    summary, folder = window_report.publish(lab.past(alarm=False), compared, lab.settings(), fault)

    assert summary.status == "healthy"
    assert sorted(path.name for path in folder.iterdir()) == ["summary.json", "summary.md"]
    assert capsys.readouterr().err == "warning: drift.html: injected fault\n"
