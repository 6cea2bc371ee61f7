"""The open connections of a server: counted, and bounded so that a health check always gets in.

A connection costs a file descriptor, whether it asks for anything or not. Beyond the bound a new connection takes the place of the one
that has been quiet for longest; one whose request is being answered is never closed for that.
"""

import resource
from collections import OrderedDict
from typing import Protocol

from lifecycle.serving.prometheus_metrics import ServerMetrics

MOST_CONNECTIONS = 10_000
OWN_FILES = 200  # descriptors for log, registry, model processes and all else


class Connection(Protocol):
    """What can be closed."""

    def close(self) -> None: ...


class Connections:
    """The connections of one server."""

    def __init__(self, most: int, metrics: ServerMetrics) -> None:
        """`most` is how many may be open."""
        self.most, self.metrics = most, metrics
        self._quiet: OrderedDict[Connection, None] = OrderedDict()
        self._busy: set[Connection] = set()

    def add(self, connection: Connection) -> None:
        """Note a new connection; if there are too many, close the one that has been quiet for longest."""
        self._quiet[connection] = None
        if len(self) > self.most:
            longest, _ = self._quiet.popitem(last=False)
            longest.close()
            self.metrics.connections_refused.labels("too many").inc()
        self._count()

    def begin(self, connection: Connection) -> None:
        """Note that a connection has a request to be answered."""
        self._quiet.pop(connection, None)
        self._busy.add(connection)

    def end(self, connection: Connection) -> None:
        """Note that a connection waits for its next request."""
        self._busy.discard(connection)
        self._quiet[connection] = None

    def remove(self, connection: Connection) -> None:
        """Note that a connection is closed."""
        self._quiet.pop(connection, None)
        self._busy.discard(connection)
        self._count()

    def __len__(self) -> int:
        return len(self._quiet) + len(self._busy)

    def _count(self) -> None:
        self.metrics.connections.set(len(self))


def most_connections() -> int:
    """Return how many connections this process can have, after it has raised its limit of open files as far as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_CONNECTIONS + OWN_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_CONNECTIONS + OWN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(1, files - OWN_FILES)
