"""scripts/make_venv.py: which .venv it takes for one that can be used."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from conftest import TEMPLATE, BakedProject

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


@pytest.fixture
def unfinished(baked: BakedProject, tmp_path: Path) -> BakedProject:
    """The least that `make setup` reads, with a `.venv` that was not finished, and no package to install."""
    for name in ("Makefile", "pyproject.toml", "params.yaml", "scripts/make_venv.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(baked.path / name, tmp_path / name)
    (tmp_path / "requirements.txt").write_text("uv==0\n")
    (tmp_path / ".python-version").write_text(f"{sys.version_info[0]}.{sys.version_info[1]}\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    return BakedProject(tmp_path)


def test_an_environment_can_be_made_anew_by_its_own_python(unfinished: BakedProject) -> None:
    """As when .venv is activated, or `python3` is nowhere else."""
    done = unfinished.run("make setup PYTHON=.venv/bin/python", check=False, PIP_NO_INDEX="1", PIP_FIND_LINKS="")

    assert "making it anew" in done.stdout
    assert "No matching distribution found for uv==0" in done.stderr
    assert "Traceback" not in done.stderr
    assert (unfinished.path / ".venv/bin/pip").exists()


@pytest.mark.parametrize("character", ["%", "?"])
def test_a_folder_in_which_mlflow_cannot_have_its_database_is_refused_before_anything_is_installed(
    make_venv: ModuleType,
    baked: BakedProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    character: str,
) -> None:
    folder = tmp_path / f"50{character}"
    folder.mkdir()
    for name in ("pyproject.toml", "params.yaml", ".python-version"):
        shutil.copy(baked.path / name, folder)
    monkeypatch.chdir(folder)

    with pytest.raises(SystemExit) as stopped:
        make_venv.main("dev")
    line = f"error: {folder}: MLflow cannot use a path that holds {character}: rename the folder, then make setup\n"
    assert stopped.value.code == 2
    assert capsys.readouterr().err == line
    assert not (folder / ".venv").exists()

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    make_venv.check_place()


@pytest.fixture
def printing(unfinished: BakedProject) -> Callable[..., str]:
    """Return what a Python in the place of the one that makes `.venv` prints of the environment that it gets."""

    def run(text: str, **environment: str) -> str:
        named = unfinished.path / "bin/python3"
        named.parent.mkdir(exist_ok=True)
        named.write_text(f"#!/bin/sh\necho {text}\n")
        named.chmod(0o755)
        path = f"{named.parent}:{os.environ['PATH']}"
        done = unfinished.run("make setup PYTHON=python3", check=False, PATH=path, **environment)
        return done.stdout.splitlines()[0]

    return run


def test_a_python_that_is_named_is_not_looked_for_in_the_environment(printing: Callable[..., str]) -> None:
    assert printing("the named one") == "the named one"


def test_uv_trusts_the_certificate_authorities_that_pip_is_told_of(
    printing: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "$SSL_CERT_FILE $REQUESTS_CA_BUNDLE"

    assert printing(text, REQUESTS_CA_BUNDLE="a.pem", SSL_CERT_FILE="own.pem") == "own.pem a.pem"
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert printing(text, REQUESTS_CA_BUNDLE="a.pem") == "a.pem a.pem"


def test_a_home_that_cannot_be_written_has_no_cache(printing: Callable[..., str], tmp_path: Path) -> None:
    text = "$UV_NO_CACHE$PIP_NO_CACHE_DIR."

    assert printing(text, HOME=str(tmp_path), XDG_CACHE_HOME="") == "."
    assert printing(text, HOME="/nowhere", XDG_CACHE_HOME="") == "11."
