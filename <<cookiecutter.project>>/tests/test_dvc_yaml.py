"""A stage that does not declare a module of yours would be taken for up to date when that module has changed."""

from pathlib import Path

import pytest

from lifecycle.core import version_code
from lifecycle.core.files import read_yaml

PACKAGE = Path("src/<< cookiecutter.package >>")
STAGES = read_yaml(Path(__file__).parents[1] / "dvc.yaml")["stages"]


def imported(path: Path) -> set[Path]:
    """Return the modules of your package that one of them imports."""
    name = path.relative_to("src").as_posix()
    modules = {Path("src", module) for module in version_code.imported_paths(name, path.read_bytes())}
    return {module for module in modules if module.is_relative_to(PACKAGE) and module.is_file()}


def test_every_file_of_your_package_is_declared() -> None:
    """Also what is no module, such as a table that features.py reads."""
    declared = {path for name, stage in STAGES.items() if name != "track" for path in stage["deps"]}
    files = {f"src/{name}" for name in version_code.files(PACKAGE.name) if name.startswith(f"{PACKAGE.name}/")}

    assert files <= declared


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_modules_that_its_modules_import(stage: str) -> None:
    declared = {Path(path) for path in STAGES[stage]["deps"] if path.startswith(f"{PACKAGE}/")}

    assert {module for path in declared for module in imported(path)} <= declared
