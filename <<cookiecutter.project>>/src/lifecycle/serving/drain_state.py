"""Whether a server is stopping, and when the last request came: its middleware, health checks and end share it."""

import time
from dataclasses import dataclass


@dataclass
class DrainState:
    """Of one server."""

    stopping: bool = False
    last_request: float = 0.0
    """By time.monotonic(); health checks do not count."""

    def note_request(self) -> None:
        self.last_request = time.monotonic()
