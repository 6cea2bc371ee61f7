"""Which token lets a request in."""

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.serving.tokens import Tokens, token_for

VARIABLES = ("SERVING_TOKEN", "SERVING_PREDICT_TOKEN", "SERVING_FEEDBACK_TOKEN", "SERVING_READ_TOKEN")
PATHS = ("/predict", "/predict/batch", "/feedback", "/metrics", "/model", "/docs", "/nowhere", "/health/live")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token for everything, one for each purpose, and an old one for predictions."""
    for variable, value in zip(VARIABLES, ("all", "ask,old", "label\n", "look"), strict=True):
        monkeypatch.setenv(variable, value)


def statuses(authorization: str) -> list[int]:
    refusals = [Tokens().refusal(path, authorization.encode()) for path in PATHS]
    return [refusal[0] if refusal else 200 for refusal in refusals]


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("Bearer all", [200] * 8),
        ("Bearer ask", [200, 200, 403, 403, 403, 200, 200, 200]),
        ("Bearer old", [200, 200, 403, 403, 403, 200, 200, 200]),
        ("Bearer label", [403, 403, 200, 403, 403, 200, 200, 200]),
        ("Bearer look", [403, 403, 403, 200, 200, 200, 200, 200]),
        ("Bearer ask,old", [401] * 7 + [200]),
        ("Bearer al", [401] * 7 + [200]),
        ("all", [401] * 7 + [200]),
        ("", [401] * 7 + [200]),
    ],
)
def test_a_token_opens_what_it_is_for(authorization: str, expected: list[int]) -> None:
    assert statuses(authorization) == expected


def test_without_tokens_everything_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, " ,\n")

    assert not Tokens()
    assert statuses("") == [200] * 8


def test_what_no_token_is_for_is_closed_once_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SERVING_READ_TOKEN", "look")

    assert statuses("") == [401] * 7 + [200]
    assert statuses("Bearer look")[:4] == [403, 403, 403, 200]


@pytest.mark.usefixtures("given")
def test_a_client_sends_the_first_of_the_narrowest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [token_for(path) for path in ("/predict", "/feedback", "/model")] == ["ask", "label", "look"]
    monkeypatch.delenv("SERVING_READ_TOKEN")
    assert token_for("/model") == "all"
    monkeypatch.delenv("SERVING_TOKEN")
    assert token_for("/model") is None


def test_more_than_two_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVING_TOKEN", "one,two,three")

    with pytest.raises(ConfigError, match="SERVING_TOKEN: 3 tokens; at most two"):
        Tokens()
