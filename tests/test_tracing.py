"""Traces of requests: what a collector on loopback gets from a real server by OTLP, and what happens without one."""

import base64
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import BakedProject
from served import Served
from servers import free_port
from serving import Server, logged, serving, unique, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
DECODE = """
import json, pathlib, sys
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest as Request
print(json.dumps([MessageToDict(Request.FromString(path.read_bytes())) for path in pathlib.Path(sys.argv[1]).iterdir()]))
"""


@contextmanager
def collector(folder: Path) -> Iterator[str]:
    """Take OTLP over HTTP, keep the bodies in a folder, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
            (folder / f"{len(list(folder.iterdir()))}").write_bytes(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as receiving:
        threading.Thread(target=receiving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{receiving.server_port}"
        receiving.shutdown()


def spans(project: BakedProject, folder: Path) -> list[dict[str, Any]]:
    """Return the spans in what a collector has got, with the service's name and the attributes of each as fields."""
    (project.path / ".git/decode.py").write_text(DECODE)
    requests = json.loads(project.run(f"python .git/decode.py {folder}").stdout)
    return [
        span | fields(of_service["resource"]) | fields(span)
        for request in requests
        for of_service in request["resourceSpans"]
        for scope in of_service["scopeSpans"]
        for span in scope["spans"]
    ]


def fields(thing: dict[str, Any]) -> dict[str, Any]:
    return {item["key"]: next(iter(item["value"].values())) for item in thing["attributes"]}


@pytest.fixture(scope="module")
def packages(served: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The extra `trace`, in a folder of its own."""
    folder = tmp_path_factory.mktemp("packages")
    install = "uv pip install --quiet --no-deps --constraint requirements.txt"
    names = " ".join(
        f"opentelemetry-exporter-{name}"
        for name in ("otlp-proto-http", "otlp-proto-common", "otlp-common", "http-transport")
    )
    served.project.run(f"{install} --target {folder} {names} googleapis-common-protos")
    return f"src:{folder}"


def test_a_request_is_a_span_below_the_clients_with_the_queue_and_the_model_below_it(
    served: Served, server: Server, tmp_path: Path, packages: str
) -> None:
    got, log, ids = tmp_path / "got", tmp_path / "log", [unique() for _ in range(4)]
    got.mkdir()
    served.move("shadow", 2)
    traced = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    with (
        collector(got) as address,
        serving(served.project, log, OTEL_EXPORTER_OTLP_ENDPOINT=address, PYTHONPATH=packages) as new,
    ):
        until(lambda: new.versions()["shadow"] == 2, "the shadow", new)
        assert new.ask("/predict", served.rows[0], X_Request_ID=ids[0], **traced).status == 200
        until(lambda: len(logged(new, ids[0])) == 2, "the shadow has answered", new)
        served.move("shadow", 0)
        until(lambda: new.versions()["shadow"] is None, "no shadow", new)
        new.ask("/predict/batch", {"records": served.rows[:600]}, X_Request_ID=ids[1])
        new.ask("/predict", {}, X_Request_ID=ids[2])
        new.ask("/predict", served.rows[0], X_Request_ID=ids[3], traceparent=f"00-{'1' * 32}-{PARENT}-00")
        assert new.ask("/health/ready").status == 200
        assert new.metric("predictions_total", role="production") == 602
        lines = {(line["request_id"], line["role"]): line for line in new.lines()}

    sent = spans(served.project, got)
    by_id = {span["serving.request_id"]: span for span in sent if "serving.request_id" in span}
    below = {name: [span for span in sent if span.get("parentSpanId") == by_id[name]["spanId"]] for name in ids[:3]}

    assert {span["service.name"] for span in sent} == {"telco-churn"}
    first = by_id[ids[0]]
    assert (first["name"], first["kind"]) == ("POST /predict", "SPAN_KIND_SERVER")
    assert (first["http.route"], first["http.response.status_code"]) == ("/predict", "200")
    assert {span["name"]: span for span in sent}["predict"]["kind"] == "SPAN_KIND_INTERNAL"
    # Protobuf's JSON has bytes as base64; the log has them as hexadecimal digits.
    assert lines[ids[0], "production"]["traceparent"] == f"00-{TRACE}-{hexadecimal(first['spanId'])}-01"
    assert (hexadecimal(first["traceId"]), hexadecimal(first["parentSpanId"])) == (TRACE, PARENT)
    assert sorted((span["name"], span["serving.role"], span["serving.version"]) for span in below[ids[0]]) == [
        ("predict", "production", "1"),
        ("predict", "shadow", "2"),
        ("queue", "production", "1"),
        ("queue", "shadow", "2"),
    ]
    for name in ids[:2]:
        in_time(by_id[name], [span for span in below[name] if span["serving.role"] == "production"])
    assert [span["serving.rows"] for span in below[ids[1]] if span["name"] == "predict"] == ["512", "88"]
    assert (by_id[ids[2]]["http.response.status_code"], below[ids[2]]) == ("422", [])
    assert ids[3] not in by_id, "its client has not sampled it"
    assert "/health/ready" not in {span.get("http.route") for span in sent}


def hexadecimal(text: str) -> str:
    return base64.b64decode(text).hex()


def in_time(request: dict[str, Any], below: list[dict[str, Any]]) -> None:
    """Rows wait, then the model scores them, within the span of the request."""
    moments = [int(request["startTimeUnixNano"])]
    for span in sorted(below, key=lambda span: (int(span["startTimeUnixNano"]), span["name"] == "predict")):
        moments += [int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])]
    moments.append(int(request["endTimeUnixNano"]))
    assert all(later >= earlier - 1_000_000 for earlier, later in itertools.pairwise(moments)), moments


def test_without_a_collector_a_server_answers_says_so_once_and_stops_in_time(
    served: Served, server: Server, tmp_path: Path, packages: str
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    often = {"OTEL_BSP_SCHEDULE_DELAY": "200"}

    with serving(served.project, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=address, PYTHONPATH=packages, **often) as new:
        assert new.ask("/predict", served.rows[0]).status == 200
        until(lambda: "Connection refused" in "".join(new.printed), "it says so", new)
        assert all(new.ask("/predict", row).status == 200 for row in served.rows[:50])

    assert sum("Connection refused" in line for line in new.printed) == 1
    assert "Traceback" not in "".join(new.printed)


def test_without_the_extra_a_server_serves_and_says_what_to_install(
    served: Served, server: Server, tmp_path: Path
) -> None:
    with serving(served.project, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as new:
        assert new.ask("/predict", served.rows[0]).status == 200

    (line,) = [line for line in new.printed if "traces" in line]
    assert line == "serve: there will be no traces: install the extra `trace` (make setup EXTRAS=dev,trace)\n"


def test_a_server_that_is_not_asked_for_traces_imports_nothing_for_them(served: Served) -> None:
    script = (
        "import sys; from lifecycle.serving import tracing; print(tracing.start('x'), 'opentelemetry' in sys.modules)"
    )
    variables: list[dict[str, str]] = [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ]
    for environment in variables:
        done = served.project.run(f'python -c "{script}"', PYTHONPATH="src", **environment)
        assert done.stdout == "None False\n", environment
