"""A process for each version of the model, forked from one that has imported pandas and scikit-learn already.

    python -P model_worker.py SOCKET

A version answers with the code it was logged with, which may differ from this repo's by now; it may hang or crash without
taking the server with it; and it scores on another core than the one that serves HTTP. The server connects once per
version. Lines of JSON go to it: first `{"folder", "seconds", "idle"}`, answered by a description of the
version, then lists of records. A reply is its length in four bytes, and lines of JSON: the description, or `{"scores"}` and an answer per
record, or `{"error"}`. An answer is written here, once: the server copies it into its response and its log. The process ends with its
connection.
"""

import gc
import importlib
import json
import os
import select
import signal
import socketserver
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

import orjson

from lifecycle.core.version_loading import PRELOADED, ask, load
from lifecycle.serving.canary_stats import score

LOAD_SECONDS = 60.0
LENGTH_BYTES = 4


class VersionHandler(socketserver.StreamRequestHandler):
    """One connection: a version of the model, in a process of its own."""

    def handle(self) -> None:
        for stream in (sys.stdout, sys.stderr):  # a model might print what is in a request
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        threading.Thread(target=self.end_with_connection, daemon=True).start()
        request = json.loads(self.rfile.readline())
        if request["idle"]:
            run_when_idle()
        self.reply(LOAD_SECONDS, partial(self.load, Path(request["folder"])))
        for line in self.rfile:
            self.reply(request["seconds"], partial(self.predict, line))

    def end_with_connection(self) -> None:
        """End with the connection, even in the middle of a call that hangs."""
        hung_up = select.poll()
        hung_up.register(self.connection, 0)
        hung_up.poll()
        os._exit(0)

    def load(self, folder: Path) -> list[bytes]:
        self.scoring = load(folder)
        answered = ask(self.scoring)
        gc.collect()
        gc.freeze()  # what is loaded stays: collecting it again and again takes long
        params = self.scoring.params
        description = {
            **asdict(answered),
            "inputs": list(self.scoring.columns),
            "task": params.task,
            "target": params.data.target,
            "pid": os.getpid(),
        }
        return [json.dumps(description).encode()]

    def predict(self, line: bytes) -> list[bytes]:
        answers: list[dict[str, Any]] = self.scoring.answers(orjson.loads(line))
        return [orjson.dumps({"scores": [score(answer) for answer in answers]}), *map(orjson.dumps, answers)]

    def reply(self, seconds: float, call: Callable[[], list[bytes]]) -> None:
        """Send the lines that a call returns, or what it raises. If it takes too long, a signal ends this process, whatever it is doing."""
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            lines = call()
        except Exception as error:  # the model's, of any kind: the server is told, and the process goes on
            lines = [json.dumps({"error": f"{type(error).__name__}: {error}"[:300]}).encode()]
        signal.setitimer(signal.ITIMER_REAL, 0)
        content = b"\n".join(lines)
        self.wfile.write(len(content).to_bytes(LENGTH_BYTES) + content)


class VersionServer(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks a process for each connection, and ends when the server that started it is gone."""

    max_children = 1000
    parent = os.getppid()

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.parent:
            os._exit(0)


def remember_options() -> None:
    """Let pandas find an option once: it searches the names of all of them whenever a frame gets a column."""
    options: Any = importlib.import_module("pandas._config.config")
    if hasattr(options, "_select_options"):
        options._select_options = cache(options._select_options)


def run_when_idle() -> None:
    """Let everything else on this machine go first."""
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


if __name__ == "__main__":
    # A supervisor may send it to every process of a server, which goes on answering for a while; this one ends with the server.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    importlib.import_module(PRELOADED)
    remember_options()
    gc.freeze()
    VersionServer(sys.argv[1], VersionHandler).serve_forever()
