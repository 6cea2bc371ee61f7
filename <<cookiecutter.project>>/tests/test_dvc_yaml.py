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
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{PACKAGE.name}."):
            base = Path("src", *str(node.module).split("."))
            paths |= {base.with_suffix(".py"), *(base / f"{alias.name}.py" for alias in node.names)}
    return {module for module in paths if module.is_file()}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_modules_that_its_modules_import(stage: str) -> None:
    declared = {Path(path) for path in STAGES[stage]["deps"] if path.startswith(f"{PACKAGE}/")}

    assert {module for path in declared for module in imported(path)} <= declared
