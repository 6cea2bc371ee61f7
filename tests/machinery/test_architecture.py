"""The parts of lifecycle and what each may import, read from the source."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.core.config import Params

SRC = Path("src/lifecycle")
MODULES = sorted(SRC.rglob("*.py"))
PARTS = sorted(path.name for path in SRC.iterdir() if (path / "__init__.py").is_file())
# Every part may import core. `serving/rollout` is in serving, `batch/spark` in batch.
ARROWS = {
    "core": set(),
    "pipeline": set(),
    "gate": {"pipeline"},
    "resolve": {"pipeline"},
    "adopt": {"pipeline"},
    "search": {"pipeline"},
    "models": {"adopt"},
    "template": set(),
    "relock": set(),
    "registry": {"pipeline"},
    "prediction_log": set(),
    "forget": {"prediction_log"},
    "serving": {"registry", "prediction_log", "pipeline"},
    "batch": {"registry", "pipeline"},
    "monitoring": {"registry", "prediction_log", "gate", "pipeline"},
    "retraining": {"registry", "prediction_log", "gate", "pipeline"},
}
HEAVY = {"mlflow", "evidently", "pyspark"}
MAX_LINES = 200
IN_EVERY_PART = {"__init__", "commands", "settings"}


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the modules that a module imports anywhere, and whether it does so at its top level."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in tree.body) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            yield from ((f"{node.module}.{alias.name}", node in tree.body) for alias in node.names)


def part_of(module: str) -> str:
    """Return the part of lifecycle that a module belongs to, or its own name if it belongs to none, as `cli` does."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == "lifecycle" else ""


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_only_the_parts_below_it(part: str) -> None:
    allowed = {part, "core", "", *ARROWS[part]}

    wrong = {
        f"{path.relative_to(SRC)} imports {module}"
        for path in (SRC / part).rglob("*.py")
        for module, _ in imports(path)
        if part_of(module) not in allowed
    }

    assert wrong == set()


def test_the_arrows_form_no_cycle() -> None:
    below = {part: {"core", *arrows} - {part} for part, arrows in ARROWS.items()}
    while ready := {part for part, arrows in below.items() if not arrows}:
        below = {part: arrows - ready for part, arrows in below.items() if part not in ready}

    assert below == {}


def test_nothing_imports_the_command_line() -> None:
    importers = {str(path) for path in MODULES for module, _ in imports(path) if part_of(module) == "cli"}

    assert importers == set()


def test_a_module_has_a_name_of_its_own() -> None:
    names = Counter(path.stem for path in MODULES)

    assert {name for name, count in names.items() if count > 1} <= IN_EVERY_PART


def test_a_module_is_short_enough_to_read() -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in MODULES}

    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_heavy_libraries_are_imported_only_where_they_are_needed() -> None:
    """Importing one takes seconds, which every command and stage would pay."""
    eager = {
        f"{path} imports {module}"
        for path in MODULES
        for module, at_top in imports(path)
        if at_top and module.partition(".")[0] in HEAVY
    }

    assert eager == set()


def test_few_modules_import_one_by_a_name_that_is_not_written_down() -> None:
    """`user_code` does, `estimator`, whose class params.yaml names, and `cli`, which finds the parts by their folders."""
    importers = {
        str(path.relative_to(SRC))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__")
        if not isinstance(node.args[0], ast.Constant) and not ast.unparse(node.args[0]).isupper()
    }

    assert importers == {"core/user_code.py", "core/estimator.py", "cli.py"}


def test_the_users_package_is_written_down_nowhere(params: Params) -> None:
    namers = {str(path) for path in MODULES if params.package in path.read_text()}

    assert namers == set()
