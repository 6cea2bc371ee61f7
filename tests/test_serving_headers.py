"""What is in the head of a request and of its response: ids, traces, tokens, encodings; and requests for health from a browser."""

import gzip
import json
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any

import pytest
from served import Served
from serving import HEADERS, Server, logged, serving, unique, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def head(
    server: Server, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, HTTPMessage, dict[str, Any]]:
    """Return the status, the headers and the content of a response."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    given = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, content, given)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, response.headers, json.loads(text) if text.startswith(b"{") else {}


def test_the_id_of_a_request_is_in_every_response(served: Served, server: Server) -> None:
    row = served.rows[0]
    requests: list[tuple[str, str, Any, int]] = [
        ("POST", "/predict", row, 200),
        ("POST", "/predict/batch", {"records": [row]}, 200),
        ("POST", "/predict", row | {"tenure": "x"}, 422),
        ("POST", "/feedback", {"request_id": "a", "label": "Yes"}, 204),
        ("POST", "/nowhere", row, 404),
        ("GET", "/predict", None, 405),
        ("GET", "/health/ready", None, 200),
    ]
    for method, path, body, status in requests:
        request_id = unique()
        answered, headers, _ = head(server, method, path, body, X_Request_ID=request_id)
        assert (path, answered, headers["X-Request-ID"]) == (path, status, request_id)

    for given in ({}, {"X_Request_ID": 'a"b'}):
        ids = {head(server, "POST", "/predict", row, **given)[1]["X-Request-ID"] for _ in range(3)}
        assert len(ids) == 3
        assert 'a"b' not in ids
    _, headers, answer = head(server, "POST", "/predict", row)
    assert answer["request_id"] == headers["X-Request-ID"]


def test_a_trace_is_kept_in_the_log_and_in_the_response(served: Served, server: Server) -> None:
    request_id, other = unique(), unique()

    _, headers, _ = head(server, "POST", "/predict", served.rows[0], X_Request_ID=request_id, traceparent=TRACE)
    _, without, _ = head(server, "POST", "/predict", served.rows[0], X_Request_ID=other, traceparent='00-"')

    assert (headers["traceparent"], without["traceparent"]) == (TRACE, None)
    assert [line.get("traceparent") for line in logged(server, request_id, other)] == [TRACE, None]


def test_a_compressed_body_is_refused_in_a_line(served: Served, server: Server) -> None:
    body = gzip.compress(json.dumps(served.rows[0]).encode())

    status, headers, answer = head(server, "POST", "/predict", body, Content_Encoding="gzip")

    assert (status, headers["Accept-Encoding"]) == (415, "identity")
    assert answer["detail"].startswith("send the body as it is: compressed ones, with the header `Content-Encoding`")
    assert head(server, "POST", "/predict", served.rows[0], Content_Encoding="identity")[0] == 200


def test_health_can_be_asked_for_by_head_and_from_a_page_of_another_site(server: Server) -> None:
    for path in ("/health/live", "/health/ready"):
        for method in ("GET", "HEAD"):
            status, headers, content = head(server, method, path, Origin="https://status.example.com")
            assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
            assert bool(content) is (method == "GET")
    assert head(server, "GET", "/model")[1]["Access-Control-Allow-Origin"] is None


def test_an_integer_may_be_written_with_a_point(served: Served, server: Server) -> None:
    row, request_id = served.rows[0], unique()

    _, _, answer = head(server, "POST", "/predict", row | {"tenure": float(row["tenure"])}, X_Request_ID=request_id)

    assert answer["probability"] == served.expected[0]["probability"]
    assert logged(server, request_id)[0]["inputs"] == row


def test_each_purpose_has_a_token_and_two_are_valid_while_they_are_exchanged(
    served: Served, server: Server, tmp_path: Path
) -> None:
    tokens = {
        "SERVING_TOKEN": "operator",
        "SERVING_PREDICT_TOKEN": "new-shop,old-shop",
        "SERVING_FEEDBACK_TOKEN": "billing",
        "SERVING_READ_TOKEN": "prometheus",
    }
    with serving(served.project, tmp_path, **tokens) as new:

        def statuses(token: str) -> list[int]:
            label = {"request_id": "a", "label": "Yes"}
            requests = [("POST", "/predict", served.rows[0]), ("POST", "/feedback", label), ("GET", "/metrics", None)]
            return [head(new, *request, Authorization=f"Bearer {token}")[0] for request in requests]

        assert statuses("operator") == [200, 204, 200]
        assert statuses("new-shop") == statuses("old-shop") == [200, 403, 403]
        assert statuses("billing") == [403, 204, 403]
        assert statuses("prometheus") == [403, 403, 200]
        assert statuses("new-shop,old-shop") == [401, 401, 401]

        url = f"http://127.0.0.1:{new.port}"
        command = f"telco-churn simulate --rows 5 --labels --url {url}"
        sent = served.project.run(command, PYTHONPATH="src", **tokens)
        assert "5 of 5 rows answered" in sent.stdout
        until(lambda: len(new.lines("feedback.jsonl")) >= 7, "labels, too", new)
