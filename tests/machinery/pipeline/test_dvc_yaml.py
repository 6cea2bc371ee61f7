"""dvc.yaml against the code: a stage that forgets a dependency would be taken for fresh when it is stale."""

import ast
from pathlib import Path

import pytest

from lifecycle.core.files import read_yaml

PACKAGE = "lifecycle"
STAGES = read_yaml(Path(__file__).parents[1] / "dvc.yaml")["stages"]
WITHOUT_EFFECT_ON_OUTPUT = {
    f"src/{PACKAGE}/__init__.py",
    f"src/{PACKAGE}/errors.py",
    f"src/{PACKAGE}/stages/__init__.py",
}


def imported(module: Path, seen: set[Path]) -> set[Path]:
    """Return the module and all modules of this package it imports, directly or not."""
    if module in seen:
        return seen
    seen.add(module)
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            base = Path("src", *node.module.split("."))
            found = [base / f"{alias.name}.py" for alias in node.names] + [
                base.with_suffix(".py"),
                base / "__init__.py",
            ]
            for path in filter(Path.exists, found):
                imported(path, seen)
    return seen


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_it_runs(stage: str) -> None:
    code = {str(path) for path in imported(Path(f"src/{PACKAGE}/stages/{stage}.py"), set())}

    assert code - WITHOUT_EFFECT_ON_OUTPUT - set(STAGES[stage]["deps"]) == set()


@pytest.mark.parametrize("stage", STAGES)
def test_every_dependency_on_code_exists(stage: str) -> None:
    assert [path for path in STAGES[stage]["deps"] if path.startswith("src/") and not Path(path).exists()] == []


def test_only_the_last_stage_talks_to_mlflow() -> None:
    talkers = {path.name for path in Path("src").rglob("stages/*.py") if "mlflow" in path.read_text().lower()}

    assert talkers == {"track.py"}


def test_no_module_imports_mlflow_before_it_is_needed() -> None:
    """Importing it takes seconds, which every command and stage would pay."""
    eager = {
        path.name
        for path in Path("src").rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom) and "mlflow" in ast.unparse(node)
    }

    assert eager == set()
