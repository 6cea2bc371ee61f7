"""More connections, and more requests at once, than a server takes: health checks get through, and what is refused is counted."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from served import Served
from serving import Server, ready, serving, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

SOCKETS = 1200


@contextmanager
def silent_sockets(server: Server, number: int) -> Iterator[list[socket.socket]]:
    """Connections that ask for nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * number + 500)), hard))
    try:
        with ExitStack() as stack:
            address = ("127.0.0.1", server.port)
            yield [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(number)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_silent_connections_take_nothing_from_the_others(served: Served, server: Server) -> None:
    def refused(reason: str) -> float:
        return server.metric("connections_refused_total", reason=reason)

    before = {reason: refused(reason) for reason in ("too many", "head too slow")}  # of other tests
    with silent_sockets(server, SOCKETS):
        until(lambda: server.metric("connections") > SOCKETS, "all are open", server)

        assert server.ask("/health/live").status == 200
        assert server.ask("/predict", served.rows[0]).status == 200
        assert refused("too many") == before["too many"]
        until(lambda: refused("head too slow") == before["head too slow"] + SOCKETS, "all end", server)
    assert server.metric("connections") == 1


def test_where_few_files_may_be_open_the_longest_silent_connection_makes_room(
    served: Served, server: Server, tmp_path: Path
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serving(served.project, tmp_path, few_files=512) as new:
        until(lambda: ready(new), "it is ready", new)
        with silent_sockets(new, SOCKETS) as silent:
            assert new.ask("/health/live").status == 200
            assert new.ask("/predict", served.rows[0]).status == 200
            assert new.metric("connections_refused_total", reason="too many") >= SOCKETS - 512
            assert silent[0].recv(1) == b"", "the first has made room"
            silent[-1].sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in silent[-1].recv(1000).splitlines()[0]
        assert "Traceback" not in "".join(new.printed)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limits


def test_beyond_a_number_of_requests_at_once_they_are_refused_and_counted_but_never_health(
    served: Served, server: Server
) -> None:
    """Each has sent its head, and keeps the server waiting for its body."""
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    before = server.metric("requests_total", path="/predict", status="503")
    with silent_sockets(server, SOCKETS) as waiting:
        for connection in waiting[:1000]:
            connection.sendall(head)
        until(lambda: full(server), "as many as are answered at a time", server)

        refused = server.ask("/predict", served.rows[0])

        assert (refused.status, refused.body) == (503, {"detail": "overloaded: try again later"})
        assert server.ask("/health/live").status == server.ask("/health/ready").status == 200
    until(lambda: server.ask("/predict", served.rows[0]).status == 200, "it answers again", server)
    assert server.metric("requests_total", path="/predict", status="503") > before
    assert server.metric("requests_in_flight") == 1, "the one that asks"


def full(server: Server) -> bool:
    return server.ask("/model").status == 503
