"""environment.yaml, the lock and what is installed: any two that differ are named, with the command that mends it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.core import package_versions
from lifecycle.core.errors import ConfigError
from lifecycle.core.package_versions import ENVIRONMENT, PYTHON_VERSION
from lifecycle.core.requirements import REQUIREMENTS, pinned_versions

LOCKED = package_versions.recorded()["scikit-learn"]
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
LOCK = """\
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:00
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:01
Ruamel_YAML[old]==0.18.6 \\
    --hash=sha256:02
pywin32==310 ; sys_platform == 'win32' \\
    --hash=sha256:03
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repo's files that say which versions are used, as in this repo, and a package of the user's."""
    for path in (REQUIREMENTS, ENVIRONMENT, PYTHON_VERSION, Path("params.yaml")):
        (tmp_path / path).write_text(path.read_text())
    package = Path("src") / package_name()
    (tmp_path / package).mkdir(parents=True)
    for path in package.glob("*.py"):
        (tmp_path / path).write_text(path.read_text())
    return tmp_path


def package_name() -> str:
    return next(path.parent.name for path in Path("src").glob("*/model.py"))


def replace(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize(("python", "numpy"), [("3.11", "2.4.6"), ("3.12", "2.5.5"), ("3.13", "2.5.5")])
def test_markers_are_evaluated_for_the_python_of_the_repo(python: str, numpy: str) -> None:
    assert pinned_versions(LOCK, python) == {"numpy": numpy, "ruamel-yaml": "0.18.6"}


@pytest.mark.parametrize("line", ["numpy>=2", "numpy", "-e .\nnumpy==", "numpy==2 ; python ~ 3"])
def test_a_line_that_pins_nothing_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="does not pin a package to one version: make lock"):
        pinned_versions(line + "\n", "3.12")


def test_this_repo_agrees_with_its_lock_and_its_environment() -> None:
    assert package_versions.differences() == []


def test_a_lock_that_moved_is_named_with_the_command_that_writes_the_file(root: Path) -> None:
    replace(root / REQUIREMENTS, f"scikit-learn=={LOCKED}", "scikit-learn==99.1")

    lines = package_versions.differences(root)

    assert lines == [f"requirements.txt has scikit-learn 99.1, environment.yaml {LOCKED}: make environment"]


def test_a_package_that_results_do_not_depend_on_may_move(root: Path) -> None:
    version = pinned_versions((root / REQUIREMENTS).read_text(), PYTHON)["mlflow"]
    replace(root / REQUIREMENTS, f"mlflow=={version}", "mlflow==99.1")

    assert package_versions.differences(root) == []


@pytest.mark.parametrize(("path", "section"), [("model.py", "model"), ("features.py", "data"), ("more.py", "data")])
def test_what_the_users_code_imports_counts(root: Path, path: str, section: str) -> None:
    file = root / "src" / package_name() / path
    before = file.read_text() if file.exists() else ""
    file.write_text(f"{before}\n\ndef late():\n    import tqdm.auto\n")

    assert package_versions.differences(root) == [
        f"requirements.txt has tqdm {package_versions.locked(root)[section]['tqdm']}, "
        "environment.yaml does not have it: make environment"
    ]


def test_the_users_own_modules_and_the_standard_library_do_not_count(root: Path) -> None:
    replace(
        root / "src" / package_name() / "model.py",
        "import pandas",
        f"import json\nimport {package_name()}.x\nimport pandas",
    )

    assert package_versions.differences(root) == []


def test_what_is_installed_is_held_against_the_lock(root: Path) -> None:
    replace(root / REQUIREMENTS, f"scikit-learn=={LOCKED}", "scikit-learn==99.1")
    replace(root / ENVIRONMENT, f'scikit-learn: "{LOCKED}"', 'scikit-learn: "99.1"')

    assert package_versions.differences(root) == [
        f"scikit-learn {LOCKED} is installed, requirements.txt has 99.1: make setup"
    ]
    with pytest.raises(
        ConfigError, match=f"^scikit-learn {LOCKED} is installed, requirements.txt has 99.1: make setup$"
    ):
        package_versions.check(root)


def test_python_counts_by_its_minor_version(root: Path) -> None:
    (root / PYTHON_VERSION).write_text(f"{PYTHON}.4\n")
    assert package_versions.differences(root) == []

    (root / PYTHON_VERSION).write_text("3.99\n")
    content = package_versions.text_of(package_versions.locked(root), "3.99")
    (root / ENVIRONMENT).write_text(content)

    assert f"Python {PYTHON} is running, .python-version has 3.99: make setup" in package_versions.differences(root)


def test_an_edit_by_hand_is_noticed(root: Path) -> None:
    replace(root / ENVIRONMENT, "data:\n", "data:   \n")

    assert package_versions.differences(root) == [
        "environment.yaml is not as `make environment` writes it: make environment"
    ]


@pytest.mark.parametrize("path", [REQUIREMENTS, PYTHON_VERSION, ENVIRONMENT])
def test_a_file_that_is_missing_is_one_line(root: Path, path: Path) -> None:
    (root / path).unlink()

    with pytest.raises(ConfigError, match=str(path)):
        package_versions.check(root)


def test_a_version_states_how_it_was_made(tmp_path: Path) -> None:
    assert package_versions.differences_from_version(tmp_path) == [
        "it does not say which versions of packages it was made with"
    ]
    (tmp_path / ENVIRONMENT).write_text(ENVIRONMENT.read_text().replace(LOCKED, "1.8.0"))
    assert package_versions.differences_from_version(tmp_path) == [
        f"scikit-learn {LOCKED} is installed, it was made with 1.8.0"
    ]


def test_the_check_imports_no_heavy_library() -> None:
    """`make repro` runs it each time."""
    script = "import sys; from lifecycle.core import package_versions as p; p.check(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": "src"}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert not {"pandas", "numpy", "pyarrow", "pydantic", "ruamel.yaml"} & set(done.stdout.split())
