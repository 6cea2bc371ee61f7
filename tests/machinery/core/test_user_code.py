from pathlib import Path

import pytest

from lifecycle.core import user_code
from lifecycle.core.errors import ConfigError


def test_a_package_or_module_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"package is nowhere, but there is no src/nowhere/model\.py"):
        user_code.load("nowhere", "model")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("import a_library_that_is_not_installed", "needs a_library_that_is_not_installed, which is not installed"),
        ("def broken(:", r"features\.py, line 1: "),
        ("", "does not define build_features"),
    ],
)
def test_broken_code_of_the_users_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, message: str
) -> None:
    package = f"broken_{len(content)}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "features.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigError, match=message):
        user_code.get(package, "features", "build_features")


def test_the_description_is_the_packages_docstring_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "described").mkdir()
    (tmp_path / "described/__init__.py").write_text('"""Predicts\n\na thing."""')
    monkeypatch.syspath_prepend(tmp_path)

    assert user_code.description("described") == "Predicts a thing."
