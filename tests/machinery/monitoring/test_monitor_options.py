"""Options of `monitor` that do not go together are refused before any work."""

import argparse
from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.monitoring import commands


def parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    commands.add_to(parser.add_subparsers())
    return parser.parse_args(["monitor", *options])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--input", "table.csv"], "--input and --labels go with --scores"),
        (["--labels", "table.csv"], "--input and --labels go with --scores"),
        (["--scores", "scores", "--log", "logs"], "give one of them"),
        (["--act", "--version", "3"], "in production now"),
        (["--act", "--alias", "staging"], "not for staging"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: list[str], said: str) -> None:
    arguments = parsed(*options)

    with pytest.raises(ConfigError, match=said):
        arguments.run(arguments)


@pytest.mark.parametrize("version", ["0", "-1", "latest", "1.5"])
def test_a_version_is_named_by_its_number(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--version", version)

    assert f"{version!r} is not the number of a version" in capsys.readouterr().err
    assert parsed("--version", "3").version == 3


def test_tables_of_scores_are_options_only_where_the_part_that_writes_them_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert parsed("--scores", "scores").scores == "scores"

    monkeypatch.setattr(commands, "BATCH", tmp_path / "batch")

    with pytest.raises(SystemExit):
        parsed("--scores", "scores")
