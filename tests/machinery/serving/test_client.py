"""How `deploy` and `simulate` reach a server."""

import pytest

from lifecycle.serving.client import Client, UnreachableError


def test_the_authorities_of_the_environment_are_trusted_and_its_proxies_are_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/company.pem")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    settings = Client("https://models")._session.merge_environment_settings("https://models", {}, None, None, None)

    assert settings["verify"] == "/etc/company.pem"
    assert not settings["proxies"]


def test_an_address_that_is_none_is_named_without_the_library_s_quotes() -> None:
    with pytest.raises(UnreachableError) as error:
        Client("http://127.0.0.1:8999x").status()

    assert str(error.value).count("'") % 2 == 0
    assert "8999x" in str(error.value)
