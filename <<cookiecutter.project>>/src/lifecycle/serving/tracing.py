"""Traces by OpenTelemetry: a span for each request and, below it, two for each call in which a version scores its rows.

`queue` is how long the rows wait for the model, `predict` the call of the model's process, which other requests share. OpenTelemetry's own
variables switch this on and say where spans go. The parent of a request's span is that of its header `traceparent`; the rows carry the
request's span on, so the prediction log has it as well.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lifecycle.serving.pending_request import PendingRequest
from lifecycle.serving.server_log import RepeatedProblem, report

if TYPE_CHECKING:
    from opentelemetry.trace import Span
    from starlette.types import Scope

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
STOP_SECONDS = 3.0  # in which the last spans may be sent when the server stops


def start(service: str) -> "Tracing | None":
    """Return what makes spans, or None if the environment does not ask for them; a server serves without them if they cannot be made.

    `service` is the name that OTEL_SERVICE_NAME would give.
    """
    if not _is_wanted():
        return None
    protocol = next((os.environ[name] for name in PROTOCOLS if os.environ.get(name)), PROTOCOL)
    if protocol != PROTOCOL:
        report("no_traces", f"there will be no traces: their protocol is {protocol}, not {PROTOCOL}", logging.WARNING)
        return None
    try:
        return Tracing(service)
    except ImportError:
        message = "there will be no traces: install the extra `trace` (make setup EXTRAS=dev,trace)"
        report("no_traces", message, logging.WARNING)
        return None


def _is_wanted() -> bool:
    exporters = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and "otlp" in exporters.split(",") and any(os.environ.get(name) for name in ENDPOINTS)


class Tracing:
    """The spans of one server."""

    def __init__(self, service: str) -> None:
        """Raises ImportError if the packages are not installed."""
        from opentelemetry.exporter.otlp.proto.http import trace_exporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        named = os.environ.get("OTEL_SERVICE_NAME") or SERVICE_NAME in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        resource = Resource.create({} if named else {SERVICE_NAME: service})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(trace_exporter.OTLPSpanExporter()))
        logging.getLogger(trace_exporter.__name__).addFilter(_once_a_minute())
        self._tracer, self._propagator = self._provider.get_tracer("lifecycle.serving"), TraceContextTextMapPropagator()
        self._server, self._failed = SpanKind.SERVER, Status(StatusCode.ERROR)

    def begin(self, scope: "Scope", route: str, headers: dict[bytes, bytes]) -> "Span":
        """Return the span of a request that begins, and put its trace into the scope in place of the client's."""
        given = {"traceparent": scope["traceparent"], "tracestate": headers.get(b"tracestate", b"")}
        parent = self._propagator.extract({name: value.decode("latin-1") for name, value in given.items()})
        attributes = {
            "http.request.method": scope["method"],
            "http.route": route,
            "serving.request_id": scope["request_id"],
        }
        span = self._tracer.start_span(f"{scope['method']} {route}", parent, self._server, attributes)
        context = span.get_span_context()
        scope["traceparent"] = b"00-%032x-%016x-%02x" % (context.trace_id, context.span_id, context.trace_flags)
        return span

    def end(self, span: "Span", status: int) -> None:
        """End the span of a request that is answered."""
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(self._failed)
        span.end()

    def record(self, version: int, requests: Sequence[PendingRequest], seconds: float, ended: float) -> None:
        """Add the spans of a call that a version has answered.

        Args:
            version: its number.
            requests: whose rows were scored together.
            seconds: that the call took.
            ended: when, by time.perf_counter(); a moment ago.
        """
        now, clock = time.time_ns(), time.perf_counter()

        def wall(moment: float) -> int:
            return now - int((clock - moment) * 1e9)

        for request in requests:
            parent = _inside(request.rows[0].trace)
            attributes: dict[str, Any] = {
                "serving.version": version,
                "serving.role": request.role,
                "serving.rows": len(request.rows),
            }
            for name, begin, end in (("queue", request.since, ended - seconds), ("predict", ended - seconds, ended)):
                span = self._tracer.start_span(name, parent, attributes=attributes, start_time=wall(begin))
                span.end(wall(end))

    def stop(self) -> None:
        """Send what is left, for at most STOP_SECONDS."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(STOP_SECONDS)


def _inside(traceparent: bytes) -> Any:
    """The context of a span that this server has begun."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    _, trace, span, flags = (int(number, 16) for number in traceparent.split(b"-"))
    return set_span_in_context(NonRecordingSpan(SpanContext(trace, span, False, TraceFlags(flags))))


def _once_a_minute() -> Callable[[logging.LogRecord], bool]:
    """Return a filter of the exporter's lines, of which there are some for each attempt to send."""
    unsent = RepeatedProblem("traces_not_sent", logging.WARNING)

    def report_instead(record: logging.LogRecord) -> bool:
        unsent.add(record.getMessage())
        return False

    return report_instead
