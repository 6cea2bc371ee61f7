"""Models in folders: which there are, where a process stands, and what is whose."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.core import home, model_folders
from lifecycle.core.errors import ConfigError

HERE = "from lifecycle.core import home; print(home.ROOT, home.NAME or '-', home.SRC)"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A project with the further models north and south, and folders beside them that are none."""
    for name in (".", "models/north", "models/south", "models/Old", "models/empty"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        if name != "models/empty":
            (tmp_path / name / "params.yaml").write_text("package: mine\n")
    return tmp_path


def stands(folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(Path("src").resolve())}
    done = subprocess.run(
        [sys.executable, "-P", "-c", HERE], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_process_knows_its_model_by_its_working_directory(top: Path) -> None:
    assert stands(top) == ". - src"
    assert stands(top / "models/north") == "../.. north ../../src"


def test_a_project_that_lies_in_a_folder_called_models_is_none_of_anothers(top: Path) -> None:
    (top / "models/north/.dvc").mkdir()

    assert stands(top / "models/north") == ". - src"
    assert home.root_of(top / "elsewhere/models/x") == top / "elsewhere/models/x"


def test_the_top_of_a_checkout_is_found_from_a_models_folder_that_is_not_there(top: Path) -> None:
    assert home.root_of(top / "models/new") == top


def test_a_model_is_a_folder_with_parameters_and_a_name_in_small_letters(top: Path) -> None:
    assert model_folders.names_here(top) == ["north", "south"]


def test_a_model_that_is_not_there_is_one_line_with_what_was_meant(top: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"model nort: no such model \(did you mean north\?\); there are: north, south"
    ):
        model_folders.require("nort", top)
    with pytest.raises(ConfigError, match="there is none but the one at the top: `model add NAME`"):
        model_folders.require("nort", top / "models/north")


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("models/north/params.yaml", "north"),
        ("models/north/models/model.skops", "north"),
        ("models/west/params.yaml", ""),  # no model, so a file of the one at the top
        ("models/trusted_types.txt", ""),
        ("params.yaml", ""),
        ("dvc.lock", ""),
        ("data/raw/a.csv.dvc", ""),
        ("compose.yaml", None),
        ("docs/params.yaml", None),
        ("src/mine/model.py", None),
        ("requirements.txt", None),
    ],
)
def test_what_lies_in_a_models_folder_is_its_own_and_code_is_shared(path: str, owner: str | None) -> None:
    assert model_folders.owner_of(path, ["north", "south"]) == owner
