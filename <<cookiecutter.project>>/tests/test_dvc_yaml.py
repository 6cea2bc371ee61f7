"""A stage that does not declare a module of yours would be taken for up to date when that module has changed."""

import ast
from pathlib import Path

import pytest

from lifecycle.core.files import read_yaml

PACKAGE = Path("src/<< cookiecutter.package >>")
STAGES = read_yaml(Path(__file__).parents[1] / "dvc.yaml")["stages"]


def imported(path: Path) -> set[Path]:
    """Return the modules of your package that one of them imports."""
    paths = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = path.parents[node.level - 1] if node.level else Path("src")
            base = base.joinpath(*(node.module or "").split("."))
            paths |= {base.with_suffix(".py"), *(base / f"{alias.name}.py" for alias in node.names)}
        elif isinstance(node, ast.Import):
            paths |= {Path("src", *alias.name.split(".")).with_suffix(".py") for alias in node.names}
    return {module for module in paths if module.is_relative_to(PACKAGE) and module.is_file()}


def test_every_file_of_your_package_is_declared() -> None:
    """Also what is no module, such as a table that features.py reads."""
    declared = {path for name, stage in STAGES.items() if name != "track" for path in stage["deps"]}
    files = {str(path) for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}

    assert files <= declared


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_modules_that_its_modules_import(stage: str) -> None:
    declared = {Path(path) for path in STAGES[stage]["deps"] if path.startswith(f"{PACKAGE}/")}

    assert {module for path in declared for module in imported(path)} <= declared
