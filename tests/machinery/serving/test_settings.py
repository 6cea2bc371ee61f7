"""serving.yaml is checked before anything is served."""

from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.serving import settings


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("poll_seconds: 2 ", "poll_seconds: 0 ", "server.poll_seconds is 0: input should be greater than 0"),
        ("poll_seconds: 2 ", "pol_seconds: 2 ", "server.pol_seconds is not a parameter (did you mean poll_seconds?)"),
        (
            "log: logs/predictions ",
            "log: s3://bucket/log ",
            "server.log: s3://bucket/log is an address, where a folder",
        ),
        ("percent: 10", "percent: 101", "canary.percent is 101: input should be less than or equal to 100"),
        ("percent: 10", "percent: ten", "canary.percent is 'ten'"),
        ("max_error_rate: 0.01", "max_error_rate: 1", "canary.max_error_rate is 1"),
        ("  staging:", "  stagin:", "environments"),
        ('["http://127.0.0.1:8000"]', "[localhost]", "'localhost' is not an http(s) address"),
        ('["http://127.0.0.1:8000"]', "[]", "environments.production is []"),
    ],
)
def test_what_cannot_be_meant_is_one_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = settings.SERVING.read_text()
    assert old in text
    path = tmp_path / "serving.yaml"
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(ConfigError) as error:
        settings.load(path)

    assert complaint in str(error.value)


@pytest.mark.parametrize("variable", ["SERVING_LOG", "SERVING_CACHE"])
def test_an_address_where_the_platform_should_name_a_folder_is_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "s3://bucket/log")

    with pytest.raises(ConfigError, match=f"{variable}=s3://bucket/log is an address, where a folder"):
        settings.load()


def test_what_the_platform_says_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SERVING_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("SERVING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PRODUCTION_URLS", "https://one.example.com/ https://two.example.com")

    found = settings.load()

    assert (found.server.log, found.server.cache) == (tmp_path / "log", tmp_path / "cache")
    assert found.environments["production"] == ["https://one.example.com", "https://two.example.com"]
    assert found.environments["staging"] == ["http://127.0.0.1:8001"]
