"""The id and the trace of a request: given by the client or generated, written to the log, and sent back with every response."""

import re
from collections.abc import Iterator

from starlette.types import Scope

REQUEST_ID = r"[\w.-]{1,64}"
ID_BYTES = re.compile(REQUEST_ID.encode())
# https://www.w3.org/TR/trace-context/#traceparent-header
TRACE = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

Headers = list[tuple[bytes, bytes]]


def identify(scope: Scope, given: dict[bytes, bytes], generated: Iterator[str]) -> Headers:
    """Note the id of a request in its scope, as `request_id`, and its trace, as `traceparent`.

    Args:
        scope: of ASGI.
        given: its headers.
        generated: ids for requests that come without one, or with one that is malformed.

    Returns the headers to be sent back.
    """
    request_id = given.get(b"x-request-id", b"")
    if not ID_BYTES.fullmatch(request_id):
        request_id = next(generated).encode()
    trace = given.get(b"traceparent", b"")
    scope["request_id"], scope["traceparent"] = request_id.decode(), trace if TRACE.fullmatch(trace) else b""
    headers = [(b"x-request-id", request_id)]
    return [*headers, (b"traceparent", trace)] if scope["traceparent"] else headers
