"""Client of a server, for `deploy` and `simulate`."""

import os
from typing import Any

import requests

from lifecycle.core.errors import ProjectError
from lifecycle.serving.tokens import EVERYTHING, token_for

TIMEOUT_SECONDS = 15.0


class ServerError(ProjectError):
    """A server does not answer, or answers with an error."""

    exit_code = 2


class UnreachableError(ServerError):
    """A server does not answer at all."""


class Client:
    """One server, or several behind one address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment is for other addresses; its authorities are not
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True

    def status(self) -> dict[str, Any]:
        """Return what the server reports about itself. Raises ServerError if it does not."""
        return self._content("/model", self.request("GET", "/model"))

    def predict(self, records: list[dict[str, Any]], version: int | None = None) -> list[dict[str, Any]]:
        """Return an answer per record, by a version if one is named. Raises ServerError if there is none."""
        headers = {"X-Model-Version": str(version)} if version else {}
        response = self.request("POST", "/predict/batch", {"records": records}, headers)
        predictions: list[dict[str, Any]] = self._content("/predict/batch", response)["predictions"]
        return predictions

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Return the response to a request, whatever its status.

        Args:
            method: of HTTP.
            path: below the server's address.
            body: sent as JSON, if any.
            headers: sent in addition.

        Raises UnreachableError if there is no response.
        """
        all_headers = dict(headers or {})
        if token := token_for(path):
            all_headers["Authorization"] = f"Bearer {token}"
        try:
            return self._session.request(
                method, f"{self.url}{path}", json=body, headers=all_headers, timeout=TIMEOUT_SECONDS
            )
        except requests.RequestException as error:
            raise UnreachableError(f"{self.url} does not answer: {root_cause(error)}") from None

    def _content(self, path: str, response: requests.Response) -> dict[str, Any]:
        try:
            content = response.json()
        except ValueError:
            content = {}
        if response.status_code == 401:
            action = f"the one in {EVERYTHING} is wrong" if token_for(path) else f"set it in {EVERYTHING}"
            raise ServerError(f"{self.url} requires a token: {action}")
        if response.status_code != 200 or not isinstance(content, dict):
            detail = content.get("detail") if isinstance(content, dict) else None
            raise ServerError(
                f"{self.url} answers {response.status_code}: {detail or 'it is not a server of this project'}"
            )
        return content


def root_cause(error: requests.RequestException) -> str:
    """Return the innermost of the messages that a library has wrapped in each other."""
    text = str(error).rpartition(": ")[2].strip("')\" ")[:200]
    return (text.replace("'", "") if text.count("'") % 2 else text) or type(error).__name__
