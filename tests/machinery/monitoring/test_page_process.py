"""The page is drawn by a process that costs nothing but the page if it fails, and never stays behind."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import DEBUG, ConfigError, DataError
from lifecycle.core.home import SRC
from lifecycle.monitoring.page_process import PageProcess
from machinery.monitoring import lab

pytest.importorskip("evidently", reason="comes with the extra `monitor`")

SECONDS = 60.0


def alive(pid: int) -> bool:
    """Return whether a process is there, and not only waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_page_is_drawn_and_the_process_ends(params: Params, tmp_path: Path) -> None:
    baseline = lab.baseline(tmp_path / "4", lab.of_task(params, "binary"), lab.settings())
    compared = baseline.comparison().of(lab.logged_rows(700, 2, baseline.params))

    with PageProcess() as page:
        page.draw(compared, "the title", ["a line"], tmp_path / "drift.html")
        pid = page._process.pid

    assert "<h1>the title</h1><p>a line</p>" in (tmp_path / "drift.html").read_text()
    assert not alive(pid or 0)


def test_what_fails_there_is_said_in_one_line_and_its_traceback_shown_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DEBUG, "1")
    broken: Any = [SimpleNamespace()]

    with (
        PageProcess() as page,
        pytest.raises(DataError, match=r"^drift.html: Evidently cannot draw the window: AttributeError: "),
    ):
        page.draw(broken, "the title", [], tmp_path / "drift.html")

    assert "Traceback" in capfd.readouterr().err


def test_without_evidently_one_line_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ConfigError, match="make setup EXTRAS=dev,monitor"), PageProcess():
        pass


def test_a_process_that_is_killed_is_said_so(tmp_path: Path) -> None:
    with PageProcess() as page:
        page._process.kill()
        with pytest.raises(DataError, match=r"^drift.html: the process that draws it has ended with exit code -9$"):
            page.draw([], "the title", [], tmp_path / "drift.html")


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_it_does_not_outlive_a_command_that_is_killed(kill: signal.Signals) -> None:
    command = (
        "import time\n"
        "from lifecycle.monitoring.page_process import PageProcess\n"
        "if __name__ == '__main__':\n"
        "    with PageProcess() as page:\n"
        "        print(page._process.pid, flush=True)\n"
        "        time.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(SRC), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, "-c", command], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        assert alive(pid)
        process.send_signal(kill)

    until = time.monotonic() + SECONDS
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert not alive(pid)
