"""Speaks to a server, as `deploy` and `simulate` do."""

from typing import Any

import requests

from lifecycle.core.errors import ProjectError
from lifecycle.serving.settings import TOKEN, token

SECONDS = 15.0


class ServerError(ProjectError):
    """A server does not answer, or not what it was asked."""

    exit_code = 2


class Client:
    """One server, or several behind one address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment is for elsewhere
        if secret := token():
            self._session.headers["Authorization"] = f"Bearer {secret}"

    def status(self) -> dict[str, Any]:
        """Return what is served there. Raises ServerError if it does not answer that."""
        return self._answer(self.ask("GET", "/model"))

    def predict(self, records: list[dict[str, Any]], version: int | None = None) -> list[dict[str, Any]]:
        """Return an answer per record, by a version if one is named. Raises ServerError if there is none."""
        headers = {"X-Model-Version": str(version)} if version else {}
        return self._answer(self.ask("POST", "/predict/batch", {"records": records}, headers))["predictions"]

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> requests.Response:
        """Return the answer to a request, whatever its status. Raises ServerError if there is none."""
        try:
            return self._session.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=SECONDS)
        except requests.RequestException as error:
            raise ServerError(f"{self.url} does not answer: {said(error)}") from None

    def _answer(self, answer: requests.Response) -> dict[str, Any]:
        try:
            content = answer.json()
        except ValueError:
            content = {}
        if answer.status_code == 401:
            which = f"another than {TOKEN} holds" if token() else f"set it in {TOKEN}"
            raise ServerError(f"{self.url} asks for a token: {which}")
        if answer.status_code != 200 or not isinstance(content, dict):
            detail = content.get("detail") if isinstance(content, dict) else None
            raise ServerError(f"{self.url} answers {answer.status_code}: {detail or 'no server of this project'}")
        return content


def said(error: requests.RequestException) -> str:
    """Return the last part of what a library wrapped again and again."""
    return str(error).rpartition(": ")[2].strip("')\" ")[:200] or type(error).__name__
