"""The process that scores: what it does not import."""

import subprocess
import sys

import pytest

from lifecycle.batch.process import _hidden


def test_the_engine_is_imported_without_what_scikit_learn_needs_for_its_own_tests_alone() -> None:
    script = """
import sys
from lifecycle.batch.process import UNUSED, _hidden
with _hidden(*UNUSED):
    import lifecycle.batch.local_engine
print(*{"pytest", "rich"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": "src"}, capture_output=True, text=True)

    assert (done.stdout, done.returncode) == ("\n", 0), done.stderr


def test_packages_are_hidden_in_the_block_alone_and_not_those_that_are_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with _hidden("colorsys", "json"):
        with pytest.raises(ImportError):
            import colorsys
        import json  # noqa: F401

    import colorsys  # noqa: F401
