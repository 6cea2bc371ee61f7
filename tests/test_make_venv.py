"""scripts/make_venv.py: which .venv it takes for one that can be used."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from conftest import TEMPLATE

SCRIPT = TEMPLATE / "<<cookiecutter.project>>" / "scripts" / "make_venv.py"


@pytest.fixture
def make_venv() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_venv", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_environment_is_not_taken_for_one_once_its_folder_was_renamed(
    make_venv: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commands, such as dvc, start the Python of the old folder. The name is one for which pip quotes that path."""
    project, renamed = tmp_path / "my project", tmp_path / "my renamed project"
    project.mkdir()
    monkeypatch.chdir(project)
    subprocess.run([sys.executable, "-m", "venv", ".venv"], check=True)
    before = make_venv.made_for_this_python()
    project.rename(renamed)
    monkeypatch.chdir(renamed)

    after = make_venv.made_for_this_python()

    assert (before, after) == (True, False)


def test_an_environment_elsewhere_that_is_linked_to_is_taken_for_one(
    make_venv: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "shared"], check=True)
    (tmp_path / ".venv").symlink_to("shared")
    monkeypatch.chdir(tmp_path)

    assert make_venv.made_for_this_python()
