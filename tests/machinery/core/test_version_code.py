"""Which code a version carries, and what changes its hash."""

import shutil
from pathlib import Path

import pytest

from lifecycle.core import version_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import git


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


def test_a_relative_import_is_followed(src: Path) -> None:
    (src / "lifecycle/core/scoring.py").write_text("from . import unrelated\nfrom .rounding import x\n")

    assert {"lifecycle/core/unrelated.py", "lifecycle/core/rounding.py"} <= set(version_code.files("users", src))


def test_a_package_that_does_not_go_with_a_version_is_refused(src: Path) -> None:
    (src / "shared").mkdir()
    (src / "shared/tables.py").write_text("")
    (src / "users/features.py").write_text("from shared.tables import x\n")

    with pytest.raises(ConfigError, match=r"src/users imports src/shared/tables\.py, which does not go with a version"):
        version_code.files("users", src)


def test_what_git_ignores_is_no_code(src: Path) -> None:
    git("init", "--quiet", folder=src)
    (src / ".gitignore").write_text("*.bin\n")
    before = version_code.files("users", src)
    (src / "users/cache.bin").write_text("")

    assert version_code.files("users", src) == before


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


def test_what_compilers_and_editors_leave_is_no_code(src: Path) -> None:
    before = version_code.files("users", src)

    for name in ("__pycache__/features.cpython-311.pyc", ".ipynb_checkpoints/features.py", ".features.py.swp"):
        (src / "users" / name).parent.mkdir(exist_ok=True)
        (src / "users" / name).write_text("left")

    assert version_code.files("users", src) == before


def test_code_that_is_not_python_is_one_line(src: Path) -> None:
    (src / "users" / "features.py").write_text("def build_features(:")

    with pytest.raises(ConfigError, match=r"^src/users/features\.py: not valid Python: invalid syntax"):
        version_code.files("users", src)


def test_a_commit_has_the_hash_of_its_working_tree(
    src: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path_factory.mktemp("repo")
    shutil.copytree(src, repo / "src")
    monkeypatch.chdir(repo)
    Path("params.yaml").write_text("package: users")
    Path("contract.yaml").write_text("columns: {}")
    git("init", "--quiet")
    for name, value in {"user.name": "Ada", "user.email": "", "commit.gpgsign": "false"}.items():
        git("config", name, value)
    git("add", "--all")
    git("commit", "--quiet", "--message", "First")
    first = version_code.hash_here("users")
    Path("src/lifecycle/core/scoring.py").write_text("# changed")
    git("commit", "--quiet", "--all", "--message", "Second")

    assert version_code.hash_at("HEAD~1") == first
    assert version_code.hash_at("HEAD") == version_code.hash_here("users") != first
    git("rm", "--quiet", "contract.yaml")
    git("commit", "--quiet", "--message", "Third")
    assert version_code.hash_at("HEAD") is None
    with pytest.raises(ConfigError, match=r"^contract\.yaml: no such file"):
        version_code.hash_here("users")


def test_a_copy_holds_the_files_it_was_made_of(params: Params, tmp_path: Path) -> None:
    packages = version_code.copy(params.package, tmp_path)

    assert [path.name for path in packages] == sorted(["lifecycle", params.package])
    assert version_code.copied(tmp_path) == version_code.files(params.package)
