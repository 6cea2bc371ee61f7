"""The tests of src/lifecycle, which need the environment of a project: run in the default one, part by part."""

import tomllib
from pathlib import Path

import catalogue
import pytest
from conftest import TEMPLATE, BakedProject

MACHINERY = TEMPLATE / "tests" / "machinery"
GROUPS = [
    ["test_architecture.py", "test_blame.py", "test_cli.py", "core", "pipeline", "search", "template"],
    ["adopt"],
    ["gate", "models"],
    ["registry", "relock", "resolve"],
    ["serving"],
    ["prediction_log", "forget", "batch", "test_awkward_table.py"],
    ["monitoring", "retraining"],
]

# Estimators beside scikit-learn's, and Optuna. Without what they depend on: they draw and compute on graphics cards with it.
EXTRA_PACKAGES = "lightgbm==4.7.0 xgboost==3.2.0 catboost==1.2.10 optuna==5.0.0 colorlog==6.12.0"


def test_every_test_of_the_machinery_is_in_a_group() -> None:
    present = {path.name for path in MACHINERY.iterdir() if path.is_dir() or path.name.startswith("test_")}

    assert present - {"__pycache__"} == {name for group in GROUPS for name in group}


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS, ids=" ".join)
def test_the_machinery_passes_its_own_tests(copy: BakedProject, tmp_path: Path, group: list[str]) -> None:
    paths = " ".join(f"'{MACHINERY / name}'" for name in group)
    packages = tmp_path / "packages"
    pytest_, environment = "pytest", {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(packages)}
    if {"adopt", "core", "gate", "prediction_log"} & {*group}:  # a project's environment does not have it
        copy.run(f"uv pip install --quiet --target {packages} {pinned('hypothesis')}")
    if "registry" in group:
        signing = "--constraint requirements.txt model-signing pyopenssl"
        copy.run(f"uv pip install --quiet --target {packages} {signing}")
    if "pipeline" in group:
        copy.run(f"uv pip install --quiet --no-deps --target {packages} {EXTRA_PACKAGES}")
    if "adopt" in group:  # public tables
        (tmp_path / "tables").mkdir()
        catalogue.write(tmp_path / "tables")
        environment["CATALOGUE"] = str(tmp_path / "tables")
    if "monitoring" in group:  # Evidently, which draws its page, comes with an extra
        extras = "--constraint requirements.txt --editable '.[dev,monitor]'"
        copy.run(f"uv venv --quiet {tmp_path}/.venv && uv pip install --quiet --python {tmp_path}/.venv {extras}")
        pytest_ = f"{tmp_path}/.venv/bin/pytest"

    done = copy.run(f"{pytest_} -q -c '{MACHINERY}/pytest.ini' --rootdir '{MACHINERY}' {paths}", **environment)

    assert " failed" not in done.stdout
    assert " skipped" not in done.stdout


def pinned(package: str) -> str:
    """A package of the group `dev`, with its version."""
    metadata = tomllib.loads((TEMPLATE / "pyproject.toml").read_text(encoding="utf-8"))
    (requirement,) = (line for line in metadata["dependency-groups"]["dev"] if line.startswith(f"{package}=="))
    return str(requirement)
