"""dvc.yaml and the code: a stage that does not declare a module it runs would be taken for up to date when it is not."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.core import config, version_code
from lifecycle.core.files import read_yaml

SRC = Path("src")
PACKAGE = config.load().package
STAGES = read_yaml(Path("dvc.yaml"))["stages"]
# Docstrings, the wording of errors, and how a stage is run.
WITHOUT_EFFECT_ON_OUTPUTS = {
    "src/lifecycle/__init__.py", "src/lifecycle/core/__init__.py", "src/lifecycle/core/errors.py",
    "src/lifecycle/core/package_versions.py", "src/lifecycle/core/requirements.py", "src/lifecycle/pipeline/__init__.py",
}  # fmt: skip


def modules_of(stage: str) -> set[str]:
    """Return the files of this repo's modules that a stage imports or loads, directly or not."""
    pending, modules = [SRC / f"lifecycle/pipeline/{stage}.py"], set[str]()
    while pending:
        path = pending.pop()
        if path.is_file() and str(path) not in modules:
            modules.add(str(path))
            pending += imports(ast.parse(path.read_text()))
    return modules


def imports(tree: ast.Module) -> Iterator[Path]:
    """Yield the places where the modules may lie that a module imports, or loads from the user's package."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("user_code.load", "user_code.get"):
            yield SRC / PACKAGE / f"{ast.literal_eval(node.args[1])}.py"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "user_code.description":
            yield SRC / PACKAGE / "__init__.py"
        for name in names:
            base = SRC / name.replace(".", "/")
            yield from (base.with_suffix(".py"), base / "__init__.py")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_exactly_the_code_it_runs_and_logs(stage: str) -> None:
    declared = {path for path in STAGES[stage]["deps"] if path.startswith("src/")}
    logged = version_code.files(PACKAGE) if stage == "track" else {}

    assert declared == modules_of(stage) - WITHOUT_EFFECT_ON_OUTPUTS | {f"src/{name}" for name in logged}


def test_only_the_last_stage_uses_mlflow() -> None:
    users = {path.name for path in (SRC / "lifecycle/pipeline").glob("*.py") if "import mlflow" in path.read_text()}

    assert users == {"track.py", "logged_model.py"}
