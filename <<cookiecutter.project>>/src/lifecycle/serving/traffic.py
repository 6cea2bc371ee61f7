"""What a server's middleware, its health checks and its end have to know of each other."""

import time
from dataclasses import dataclass


@dataclass
class Traffic:
    """Whether a server is stopping, and when the last request came."""

    stopping: bool = False
    last_request: float = 0.0
    """By time.monotonic(); health checks do not count."""

    def note_request(self) -> None:
        self.last_request = time.monotonic()
