"""What batch scoring adds to the command line."""

import argparse

import pytest

from lifecycle.batch import commands
from lifecycle.pipeline import commands as pipeline_commands


def help_of(command: str, *parts: object, capsys: pytest.CaptureFixture[str]) -> str:
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers()
    for part in parts:
        part.add_to(verbs)
    with pytest.raises(SystemExit):
        parser.parse_args([command, "--help"])
    return " ".join(capsys.readouterr().out.split())


def test_validate_has_an_engine_only_where_batch_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    without = help_of("validate", pipeline_commands, capsys=capsys)
    with_batch = help_of("validate", pipeline_commands, commands, capsys=capsys)

    assert "--engine" not in without
    assert "--master" not in without
    assert "--engine {local,spark}" in with_batch
    assert "local reads a CSV or Parquet file; spark also a folder of them, an address or DATABASE.TABLE" in with_batch


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as-of", "yesterday"], "'yesterday' is not a date such as 2026-01-31"),
        (["--as-of", "2026-01-31.."], "'' is not a date such as 2026-01-31"),
        (
            ["--as-of", "2026-02-01..2026-01-31"],
            "'2026-02-01..2026-01-31' is not a range of 1 to 3,660 dates, the first one first",
        ),
        (["--as-of", "0206-01-01..2026-01-31"], "'0206-01-01..2026-01-31' is not a range of 1 to 3,660 dates"),
        (["--active-since", "2026-01-31"], "'2026-01-31' is not of the form COLUMN=DATE"),
    ],
)
def test_a_date_that_cannot_be_read_is_a_usage_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers()
    pipeline_commands.add_to(verbs)
    commands.add_to(verbs)

    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["score", "--input", "in", "--output", "out", *arguments])

    assert ended.value.code == 2
    assert message in capsys.readouterr().err
