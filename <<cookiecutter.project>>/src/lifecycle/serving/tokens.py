"""Who may ask a server for what: one token for everything, or one each for predictions, labels and figures.

Each environment variable holds a token, or two with a comma between them: while tokens are exchanged, both are valid. A client sends
the first.
"""

import os
import secrets

from lifecycle.core.errors import ConfigError

EVERYTHING = "SERVING_TOKEN"
PURPOSES = {
    "/predict": "SERVING_PREDICT_TOKEN",
    "/predict/batch": "SERVING_PREDICT_TOKEN",
    "/feedback": "SERVING_FEEDBACK_TOKEN",
    "/metrics": "SERVING_READ_TOKEN",
    "/model": "SERVING_READ_TOKEN",
}
"""Path → the variable with the token for it alone; another path, such as that of the documentation, takes any token."""
WITHOUT_TOKEN = {"/health/live", "/health/ready"}  # probes have no token
MOST = 2

Refusal = tuple[int, str]
"""Status, and why."""


def token_for(path: str) -> str | None:
    """Return the token that a client sends to a path, if there is one."""
    tokens = _tokens(PURPOSES.get(path, EVERYTHING)) or _tokens(EVERYTHING)
    return tokens[0] if tokens else None


class Tokens:
    """The tokens that a server accepts."""

    def __init__(self) -> None:
        """Read them from the environment. Raises ConfigError if there are more than two of a kind."""
        self._by_variable = {
            variable: [f"Bearer {token}".encode() for token in _tokens(variable)]
            for variable in (EVERYTHING, *sorted(set(PURPOSES.values())))
        }
        self._all = [token for tokens in self._by_variable.values() for token in tokens]

    def __bool__(self) -> bool:
        return bool(self._all)

    def refusal(self, path: str, authorization: bytes) -> Refusal | None:
        """Return the response to a request that may not be answered; without any tokens, all may.

        Args:
            path: of the request.
            authorization: the header of this name; empty if there is none.
        """
        if not self._all or path in WITHOUT_TOKEN:
            return None
        own = self._by_variable[PURPOSES[path]] if path in PURPOSES else self._all
        if _is_one_of(authorization, [*self._by_variable[EVERYTHING], *own]):
            return None
        if not authorization:
            return 401, "send the header `Authorization: Bearer TOKEN`"
        return (
            (403, "this token is for other requests") if _is_one_of(authorization, self._all) else (401, "wrong token")
        )


def _tokens(variable: str) -> list[str]:
    tokens = [token.strip() for token in os.environ.get(variable, "").split(",")]  # a mounted secret ends in a new line
    tokens = [token for token in tokens if token]
    if len(tokens) > MOST:
        raise ConfigError(
            f"{variable}: {len(tokens)} tokens; at most two, with a comma between them, are valid at once"
        )
    return tokens


def _is_one_of(authorization: bytes, tokens: list[bytes]) -> bool:
    """Compare with each of them, so that the time it takes does not tell how far one was right."""
    return any([secrets.compare_digest(authorization, token) for token in tokens])
