"""A version is scored by its own code, in a process of its own; whatever goes wrong there is one line."""

from pathlib import Path

import pytest

from lifecycle.registry import staging_checks
from lifecycle.registry.staging_checks import _score_known_rows

SCORING = """
class Scoring:
    def __init__(self, folder):
        {loading}
    def known(self):
        return [{{}}] * {rows}, {difference}
    def answers(self, records):
        return records
"""


def version(folder: Path, loading: str = "pass", rows: int = 2, difference: str = "0.0") -> Path:
    """A version whose own scoring.py says how it does; this checkout's would find no model in the folder."""
    core = folder / "version" / "code" / "lifecycle" / "core"
    core.mkdir(parents=True)
    for package in (core, core.parent):
        (package / "__init__.py").write_text("")
    (core / "scoring.py").write_text(SCORING.format(loading=loading, rows=rows, difference=difference))
    return folder / "version"


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        (1, "the file that the gate checked, and the same predictions for 1 test row"),
        (2, "the file that the gate checked, and the same predictions for 2 test rows"),
    ],
)
def test_a_version_passes_by_its_own_code(tmp_path: Path, rows: int, outcome: str) -> None:
    assert _score_known_rows(version(tmp_path, rows=rows), tmp_path) == (outcome, True)


@pytest.mark.parametrize(
    ("loading", "difference", "outcome"),
    [
        ("pass", "0.25", "its answers differ from the predictions of evaluate by up to 0.25 in 2 test rows"),
        ("pass", "float('nan')", "its answers differ from the predictions of evaluate by up to nan in 2 test rows"),
        ("pass", "float('inf')", "its answers differ from the predictions of evaluate by up to inf in 2 test rows"),
        ("raise ValueError('damaged')", "0.0", "it cannot be loaded and scored with: ValueError: damaged"),
        ("import sys; sys.exit(3)", "0.0", "it cannot be loaded and scored with: exit code 3"),
        ("import sys; sys.exit(0)", "0.0", "it cannot be loaded and scored with: exit code 0"),
        ("import time; time.sleep(60)", "0.0", "it does not answer within 2 seconds"),
    ],
    ids=["other answers", "no number", "infinite", "error", "exit", "silent exit", "hangs"],
)
def test_a_version_that_fails_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loading: str, difference: str, outcome: str
) -> None:
    if "sleep" in loading:
        monkeypatch.setattr(staging_checks, "TIMEOUT", 2)

    assert _score_known_rows(version(tmp_path, loading, difference=difference), tmp_path) == (outcome, False)
