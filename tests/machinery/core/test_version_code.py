"""Which code a version carries, and what changes its hash."""

from pathlib import Path

import pytest

from lifecycle.core import version_code
from lifecycle.core.config import Params


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """A folder of packages in which scoring imports one module, in a function, and another is imported by none."""
    modules = {
        "lifecycle/__init__.py": "",
        "lifecycle/core/__init__.py": "",
        "lifecycle/core/scoring.py": "def score():\n    from lifecycle.core import rounding\n",
        "lifecycle/core/contract.py": "import json\n",
        "lifecycle/core/rounding.py": "",
        "lifecycle/core/unrelated.py": "",
        "users/features.py": "from lifecycle.core.categories import Codes\n",
        "users/notes.txt": "read by features.py",
        "lifecycle/core/categories.py": "",
    }
    for name, text in modules.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_version_carries_the_users_package_and_what_scoring_imports(src: Path) -> None:
    assert list(version_code.files("users", src)) == [
        "lifecycle/__init__.py",
        "lifecycle/core/__init__.py",
        "lifecycle/core/categories.py",
        "lifecycle/core/contract.py",
        "lifecycle/core/rounding.py",
        "lifecycle/core/scoring.py",
        "users/features.py",
        "users/notes.txt",
    ]


@pytest.mark.parametrize(
    ("file", "changes"),
    [("core/scoring.py", True), ("core/rounding.py", True), ("core/unrelated.py", False)],
)
def test_the_hash_changes_with_the_code_that_a_version_answers_with_and_no_other(
    src: Path, file: str, changes: bool
) -> None:
    before = version_code.code_hash(version_code.files("users", src), b"", b"")

    (src / "lifecycle" / file).write_text("from lifecycle.core import rounding  # changed\n")

    assert (version_code.code_hash(version_code.files("users", src), b"", b"") != before) == changes


def test_the_hash_changes_with_params_and_contract() -> None:
    hashes = {version_code.code_hash({}, params, contract) for params in (b"", b"a") for contract in (b"", b"a")}

    assert len(hashes) == 4


def test_a_copy_holds_the_files_it_was_made_of(params: Params, tmp_path: Path) -> None:
    packages = version_code.copy(params.package, tmp_path)

    assert [path.name for path in packages] == sorted(["lifecycle", params.package])
    assert version_code.copied(tmp_path) == version_code.files(params.package)
