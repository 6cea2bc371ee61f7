from pathlib import Path

import pytest

from lifecycle.core import user_code
from lifecycle.core.errors import ConfigError


def test_a_package_or_module_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"package is nowhere, but there is no src/nowhere/model\.py"):
        user_code.load("nowhere", "model")


def test_a_module_that_the_users_code_lacks_is_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lacks_a_module").mkdir()
    (tmp_path / "lacks_a_module/features.py").write_text("import a_library_that_is_not_installed")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_installed"):
        user_code.load("lacks_a_module", "features")


def test_the_description_is_the_packages_docstring_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "described").mkdir()
    (tmp_path / "described/__init__.py").write_text('"""Predicts\n\na thing."""')
    monkeypatch.syspath_prepend(tmp_path)

    assert user_code.description("described") == "Predicts a thing."
