"""Where the log is: what is nearest to the person comes first."""

from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.prediction_log.settings import location


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SERVING_LOG", raising=False)
    for name in ("option", "environment", "setting", "server"):
        (tmp_path / name).mkdir()
    (tmp_path / "serving.yaml").write_text("server: {log: server, other: 1}\nwhatever: else\n")


def test_the_option_comes_before_the_environment_the_setting_and_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert location() == "server"
    assert location(setting="setting") == "setting"
    monkeypatch.setenv("SERVING_LOG", "environment")
    assert location(setting="setting") == "environment"
    assert location("option", "setting") == "option"


def test_a_folder_that_is_not_there_is_an_error_and_a_url_is_not_looked_up() -> None:
    assert location("s3://bucket/log") == "s3://bucket/log"
    with pytest.raises(ConfigError, match="nowhere: no such folder; name the folder"):
        location("nowhere")


@pytest.mark.parametrize("content", ["server: {}", "server: null", None])
def test_a_log_that_nobody_names_is_an_error(content: str | None) -> None:
    Path("serving.yaml").unlink()
    if content:
        Path("serving.yaml").write_text(content)

    with pytest.raises(ConfigError, match="give --log, set SERVING_LOG"):
        location()
