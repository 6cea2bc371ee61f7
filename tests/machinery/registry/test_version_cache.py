"""Which version is fetched by its number."""

from pathlib import Path

import pytest

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.registry.version_cache import fetch_by_number
from machinery.registry.lab import Lab


def test_a_number_that_no_version_has_is_said_so(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=rf"^MLflow has no version 99 of {lab.model}, or has it no more: see history$"
    ):
        fetch_by_number(config.load(), 99, tmp_path / "cache")
