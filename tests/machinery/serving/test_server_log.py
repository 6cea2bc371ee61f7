"""What a server prints: a line for each event in the form that was asked for, and few about what happens with every request."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.prediction_log.writer import Log, LogError
from lifecycle.serving import server_log, settings
from lifecycle.serving.answer_recorder import AnswerRecorder
from lifecycle.serving.prometheus_metrics import ServerMetrics


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Configure the log as the process of a server does, and undo it; returns the lines so far, as they are."""
    root, hook = logging.getLogger(), sys.excepthook
    handlers, raising = root.handlers, logging.raiseExceptions
    monkeypatch.delenv("MLFLOW_CONFIGURE_LOGGING", raising=False)
    yield lambda: capsys.readouterr().err.splitlines()
    root.handlers, logging.raiseExceptions, sys.excepthook = handlers, raising, hook
    os.environ.pop("MLFLOW_CONFIGURE_LOGGING", None)


def test_text_is_what_a_person_reads(printed: Any) -> None:
    server_log.configure("text")

    server_log.report("roles_changed", "production is\nversion 3", versions={"production": 3})
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")

    assert printed() == ["serve: production is version 3", "Invalid HTTP request received."]


def test_json_has_time_level_event_and_fields_for_libraries_as_well(printed: Any) -> None:
    server_log.configure("json")

    try:
        raise ValueError("in\ntwo lines")
    except ValueError as error:
        server_log.report("poll_failed", "the registry\nis away", logging.ERROR, error, version=3)
    logging.getLogger("uvicorn.error").warning("Invalid %s", "request")

    ours, of_a_library = [json.loads(line) for line in printed()]
    assert ours.pop("traceback").endswith("ValueError: in\ntwo lines\n")
    assert datetime.now(UTC) - datetime.fromisoformat(ours.pop("time")) < timedelta(minutes=1)
    assert ours == {"level": "error", "event": "poll_failed", "message": "the registry is away", "version": 3}
    assert (of_a_library["level"], of_a_library["event"], of_a_library["message"]) == (
        "warning",
        "uvicorn.error",
        "Invalid request",
    )
    assert of_a_library["time"].endswith("Z")


CRASH = (
    "from lifecycle.serving import server_log; server_log.configure('json'); raise RuntimeError('a mistake of ours')"
)


def test_a_crash_is_a_line_of_json() -> None:
    done = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, text=True, env={"PYTHONPATH": "src"})

    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert {name: json.loads(line)[name] for name in ("level", "event", "message")} == {
        "level": "critical",
        "event": "crashed",
        "message": "RuntimeError: a mistake of ours",
    }


def test_a_disk_that_is_full_is_said_once_a_minute_and_counted_each_time(
    printed: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """/dev/full takes what is opened, and nothing that is written."""
    server_log.configure("json")
    log, clock = Log(tmp_path), [1000.0]
    recorder = AnswerRecorder("production", log, ServerMetrics())
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(log, "_file", lambda kind, day: full)

    for _ in range(100):
        clock[0] += 1
        with pytest.raises(LogError, match="No space left on device"):
            recorder.write([b"{}\n"], "2026-01-31")
    monkeypatch.setattr(log, "_file", lambda kind, day: os.open(os.devnull, os.O_WRONLY))
    for _ in range(2):
        recorder.write([b"{}\n"], "2026-01-31")

    os.close(full)
    lines = [json.loads(line) for line in printed()]
    assert [(line["event"], line.get("count")) for line in lines] == [
        ("log_not_written", 1),
        ("log_not_written", 60),
        ("log_not_written_over", 39),
    ]
    assert "No space left on device (60 times since the last line)" in lines[1]["message"]
    assert lines[2]["message"].endswith("can be written again (it came up 39 more times)")
    assert recorder.metrics.registry.get_sample_value("serving_log_failures_total") == 100


@pytest.mark.parametrize("form", ["text", "json"])
def test_attempts_to_reach_mlflow_are_not_printed_one_by_one(
    form: server_log.Format, capsys: pytest.CaptureFixture[str]
) -> None:
    server_log.configure(form)

    logging.getLogger("urllib3.connectionpool").warning("Retrying (Retry(total=0))")
    logging.getLogger("uvicorn.error").warning("shutting down")

    lines = capsys.readouterr().err
    assert "Retrying" not in lines
    assert "shutting down" in lines


def test_the_form_is_a_setting_and_the_platform_may_choose_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load().server.log_format == "text"
    monkeypatch.setenv("SERVING_LOG_FORMAT", "json")
    assert settings.load().server.log_format == "json"
    monkeypatch.setenv("SERVING_LOG_FORMAT", "xml")
    with pytest.raises(ConfigError, match="SERVING_LOG_FORMAT=xml must be text or json"):
        settings.load()
