"""A process for each version of the model, forked from one that has imported pandas and scikit-learn already.

    python -P worker.py SOCKET

A version answers with the code it was logged with, which need not be this repo's any more; it may hang or crash without
taking the server with it; and it scores on another core than the one that speaks HTTP. The server connects once per
version. Lines of JSON go over the connection: first `{"folder", "seconds", "idle"}`, which is answered by what the
version is, then lists of records, each answered by `{"answers"}` or `{"error"}`. The process ends with its connection.
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
from functools import partial
from pathlib import Path
from typing import Any

PRELOADED = "lifecycle.core.scoring"  # for what it imports; a version's own takes its place
LOADING = 60.0  # seconds


class Version(socketserver.StreamRequestHandler):
    """One connection: a version of the model, in a process of its own."""

    def handle(self) -> None:
        for stream in (sys.stdout, sys.stderr):  # what a model prints may be what somebody asked
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        threading.Thread(target=self.end, daemon=True).start()
        asked = json.loads(self.rfile.readline())
        if asked["idle"]:
            run_when_idle()
        self.limited(LOADING, partial(self.load, Path(asked["folder"])))
        for line in self.rfile:
            self.limited(asked["seconds"], partial(self.answer, line))

    def end(self) -> None:
        """End with the connection, also in the midst of a call that hangs."""
        hung_up = select.poll()
        hung_up.register(self.connection, 0)
        hung_up.poll()
        os._exit(0)

    def load(self, folder: Path) -> dict[str, Any]:
        for name in [name for name in sys.modules if name.partition(".")[0] == "lifecycle"]:
            del sys.modules[name]
        sys.path.insert(0, str(folder / "code"))
        self.scoring = importlib.import_module(PRELOADED).Scoring(folder)
        known, difference = self.scoring.known()
        answers = self.scoring.answers(known)
        gc.collect()
        gc.freeze()  # what is here stays: looking at it again and again takes long
        about = {"known": known, "answers": answers, "difference": difference}
        about |= {"inputs": list(self.scoring.columns), "task": self.scoring.params.task}
        return about | {"target": self.scoring.params.data.target, "pid": os.getpid()}

    def answer(self, line: bytes) -> dict[str, Any]:
        return {"answers": self.scoring.answers(json.loads(line))}

    def limited(self, seconds: float, act: Callable[[], dict[str, Any]]) -> None:
        """Answer with what an act gives or raises; one that takes too long ends this process, whatever it is doing."""
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            said = json.dumps(act())
        except Exception as error:  # the model's, of whatever kind: the server is told, and goes on
            said = json.dumps({"error": f"{type(error).__name__}: {error}"[:300]})
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.wfile.write(said.encode() + b"\n")


class Versions(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks a process for each connection, and ends when the server that started it is gone."""

    max_children = 1000
    parent = os.getppid()

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.parent:
            os._exit(0)


def run_when_idle() -> None:
    """Let everything else on this machine go first."""
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


if __name__ == "__main__":
    importlib.import_module(PRELOADED)
    gc.freeze()
    Versions(sys.argv[1], Version).serve_forever()
