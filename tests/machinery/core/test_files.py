"""Texts that are no content."""

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml


def nested(levels: int) -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(10))}}}" for n in range(1, levels)]
    return "\n".join(lines)


def test_aliases_are_read_as_long_as_they_can_be_written_out() -> None:
    assert parse_yaml(nested(4), "params.yaml")["a3"]["k9"]["k9"]["k9"] == {"x": 1}
    with pytest.raises(
        ConfigError, match=r"^params.yaml: aliases of aliases make more values than the limit of 1,000,000"
    ):
        parse_yaml(nested(9), "params.yaml")


def test_an_alias_of_what_it_is_in_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^params.yaml: aliases of"):
        parse_yaml("a: &a {b: *a}", "params.yaml")
