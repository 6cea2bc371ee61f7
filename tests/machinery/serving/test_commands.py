"""Usage errors of the commands about servers are one line, and nothing has happened."""

from pathlib import Path

import pytest

from lifecycle import cli
from lifecycle.core import config

NOBODY = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("deploy", 2, "error: --env is missing: deploy --env staging or --env production"),
        ("deploy --env staging --canary 5", 2, "error: --canary and --shadow need --env production"),
        ("deploy --env staging --shadow", 2, "error: --canary and --shadow need --env production"),
        ("deploy --env production --canary 0", 2, "argument --canary: invalid percent value: '0'"),
        ("deploy --env production --canary 101", 2, "argument --canary: invalid percent value: '101'"),
        ("serve --host 0.0.0.0", 2, "error: --host 0.0.0.0 can be reached from other machines, which needs a token: set SERVING_TOKEN"),
        ("serve --port 99999", 2, "error: cannot listen on 127.0.0.1:99999"),
        ("simulate --rows 0", 2, "argument --rows: invalid count value: '0'"),
        ("simulate --rows 1 --rate inf", 2, "argument --rate: invalid positive value: 'inf'"),
        ("simulate --rows 1 --shift tenure", 2, "argument --shift: invalid shift value: 'tenure'"),
        ("simulate --rows 1 --shift nothing=2", 2, "error: --shift nothing: not a numeric column of the contract; those are"),
        (f"simulate --rows 1 --url {NOBODY}", 2, f"error: {NOBODY} does not answer: "),
        ("compare --window 1m --log nowhere", 2, "error: nowhere: no such folder"),
        ("compare --window soon", 2, "error: --window: 'soon' is not a length of time: write a number and m, h, d or w"),
    ],
)  # fmt: skip
def test_a_usage_error_is_one_line(
    text: str, code: int, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SERVING_TOKEN", raising=False)
    if text.startswith("simulate") and message.startswith("error") and not (config.FEATURES / "test.parquet").exists():
        message = "error: data/features/test.parquet: no such file"

    with pytest.raises(SystemExit) as leaving:
        cli.main(text.split())

    last = capsys.readouterr().err.splitlines()[-1]
    assert leaving.value.code == (1 if "no such file" in message else code)
    assert message in last


def test_without_rows_to_replay_it_says_how_to_get_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "FEATURES", tmp_path)

    with pytest.raises(SystemExit) as leaving:
        cli.main(["simulate", "--rows", "1", "--url", NOBODY])

    assert leaving.value.code in (1, 2)
    assert capsys.readouterr().err.count("\n") == 1
