"""A stand-in of GitHub's API behind a socket that the real `gh` is told to use."""

import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

Answer = Callable[[str, str, dict[str, Any]], Any]
"""Method, path and body of a request in; bytes or what is to be JSON out."""


@contextmanager
def standing_in(folder: Path, answer: Answer) -> Iterator[None]:
    """Answer what `gh` asks while GH_CONFIG_DIR is the folder."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = b""
            if self.headers.get("Transfer-Encoding") == "chunked":  # as gh sends what it reads from a pipe
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = answer(self.command, self.path, json.loads(body or b"{}"))
            content = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(204 if found is None else 200)
            self.send_header("Content-Type", "application/zip" if isinstance(found, bytes) else "application/json")
            self.send_header("Content-Length", "0" if found is None else str(len(content)))
            self.end_headers()
            if found is not None:
                self.wfile.write(content)

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815

        def address_string(self) -> str:
            return "gh"

        def log_message(self, *_: Any) -> None:
            pass

    socket = folder / "s"
    (folder / "config.yml").write_text(f"http_unix_socket: {socket}\n")
    with socketserver.ThreadingUnixStreamServer(str(socket), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@dataclass
class Hub:
    """As much of GitHub as the workflows ask for: pull requests, issues, statuses of commits, and workflows that are started."""

    folder: Path
    pulls: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[tuple[int, str]] = field(default_factory=list)
    started: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    statuses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What makes `gh` ask this one for the repo o/r."""
        return {"GH_CONFIG_DIR": str(self.folder), "GH_TOKEN": "x", "GH_REPO": "o/r"}

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Any:
        self.asked.append(f"{method} {path}")
        route, _, query = path.partition("?")
        route = route.removeprefix("/repos/o/r/")
        if method == "POST" and (found := re.fullmatch(r"actions/workflows/([\w.-]+)/dispatches", route)):
            self.started.append((found[1], body))
            return None
        if method == "POST" and (found := re.fullmatch(r"statuses/(\w{40})", route)):
            self.statuses.append((found[1], body))
            return {}
        if found := re.fullmatch(r"actions/workflows/([\w.-]+)", route):
            return {"id": found[1], "name": found[1], "path": f".github/workflows/{found[1]}", "state": "active"}
        if route.endswith("graphql"):
            return self.graphql(body)
        kind, _, rest = route.partition("/")
        items = {"pulls": self.pulls, "issues": self.issues}[kind]
        if method == "GET":
            wanted = dict(part.split("=") for part in query.split("&"))
            return [
                item
                for item in items
                if item["state"] == wanted["state"]
                and wanted.get("labels", "drift")
                in [label["name"] for label in item.get("labels", [{"name": "drift"}])]
            ]
        number, _, part = rest.partition("/")
        if part == "comments":
            self.comments.append((int(number), body["body"]))
            return {}
        if method == "PATCH":
            items[int(number) - 1] |= body
            return items[int(number) - 1]
        made = {
            "number": len(items) + 1,
            "state": "open",
            "html_url": f"https://github.com/o/r/{kind}/{len(items) + 1}",
        }
        if kind == "pulls":
            repo = {"repo": {"full_name": "o/r"}}
            body = body | {"head": {"ref": body["head"], **repo}, "base": {"ref": body["base"], **repo}}
        else:
            body = body | {"labels": [{"name": name} for name in body["labels"]]}
        items.append(made | body)
        return items[-1]

    def graphql(self, body: dict[str, Any]) -> Any:
        """What `gh pr ready` asks."""
        (pull,) = self.pulls
        if "convertPullRequestToDraft" in body["query"] or "markPullRequestReadyForReview" in body["query"]:
            pull["draft"] = "ToDraft" in body["query"]
            return {"data": {}}
        shown = {"id": "P1", "number": pull["number"], "state": "OPEN", "isDraft": pull["draft"]}
        return {"data": {"repository": {"pullRequest": shown}}}


@contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    state = Hub(folder)
    with standing_in(folder, state.answer):
        yield state
