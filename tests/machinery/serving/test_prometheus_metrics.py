"""What /metrics has, and what the alert rules and the dashboard ask of it."""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from lifecycle.serving.pending_request import Answer
from lifecycle.serving.prometheus_metrics import ServerMetrics
from lifecycle.serving.version_metrics import VersionMetrics

FILES = ["prometheus/alerts.yaml", "prometheus/dashboard.json"]


@pytest.fixture
def metrics() -> ServerMetrics:
    metrics = ServerMetrics()
    metrics.set_score_edges([step / 50 for step in range(1, 50)])
    served = SimpleNamespace(version=3, pid=os.getpid(), waiting_rows=7)
    metrics.registry.register(VersionMetrics(SimpleNamespace(roles=SimpleNamespace(served=[served]))))  # type: ignore[arg-type]
    return metrics


@pytest.mark.parametrize("name", FILES)
def test_rules_and_dashboard_ask_for_metrics_with_labels_that_there_are(name: str, metrics: ServerMetrics) -> None:
    labels = {"instance", "le"}
    names = set()
    for family in metrics.registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        names |= {f"{family.name}{suffix}" for suffix in suffixes}
    for collector in (value for value in vars(metrics).values() if hasattr(value, "_labelnames")):
        labels |= set(collector._labelnames)
    labels |= {"version"}  # of those that are asked at the moment
    text = Path(name).read_text(encoding="utf-8")
    if name.endswith(".json"):
        queries = [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    else:
        queries = [rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
        names |= {family.name for family in metrics.registry.collect()}  # as the sentences of the rules name them

    asked = set(re.findall(r"\b(?:serving|process)_[a-z_]+", text))
    by = {label for group in re.findall(r"\bby \(([^)]*)\)", "\n".join(queries)) for label in group.split(", ")}
    matched = set(re.findall(r"[{,]\s*([a-z_]+)(?:=~|!~|=|!=)\"", "\n".join(queries)))

    assert asked <= names
    assert len(asked) > 5
    assert by | matched <= labels | {"severity"}


def test_every_metric_of_the_servers_is_drawn_or_alarmed(metrics: ServerMetrics) -> None:
    text = "".join(Path(name).read_text(encoding="utf-8") for name in FILES)

    assert {family.name for family in metrics.registry.collect() if family.name not in text} <= {
        "python_info", "process_virtual_memory_bytes", "process_start_time_seconds", "process_cpu_seconds",
        "process_open_fds", "process_max_fds",
    }  # fmt: skip


def test_the_versions_are_asked_when_metrics_are(metrics: ServerMetrics) -> None:
    def value(name: str) -> Any:
        return metrics.registry.get_sample_value(name, {"version": "3"})

    assert value("serving_rows_waiting") == 7
    assert value("serving_model_process_memory_bytes") > 10e6


def test_a_process_that_is_gone_has_no_memory() -> None:
    metrics = ServerMetrics()
    gone = SimpleNamespace(version=3, pid=0, waiting_rows=0)
    metrics.registry.register(VersionMetrics(SimpleNamespace(roles=SimpleNamespace(served=[gone]))))  # type: ignore[arg-type]

    assert metrics.registry.get_sample_value("serving_model_process_memory_bytes", {"version": "3"}) is None


def test_scores_have_buckets_that_fit_the_reference() -> None:
    metrics = ServerMetrics()
    metrics.count_rows("production", 1, [150.0], [0.01])  # before any version is loaded: counted, but not by its score
    metrics.set_score_edges([float(100 + step) for step in range(49)])
    metrics.set_score_edges([0.5])  # of a later version: a histogram keeps its buckets
    metrics.count_rows("production", 1, [106.0], [0.01])

    def bucket(bound: str) -> float | None:
        return metrics.registry.get_sample_value(
            "serving_prediction_score_bucket", {"role": "production", "version": "1", "le": bound}
        )

    assert (bucket("104.0"), bucket("109.0"), bucket("+Inf")) == (0.0, 1.0, 1.0)
    assert metrics.registry.get_sample_value("serving_predictions_total", {"role": "production", "version": "1"}) == 2


def test_a_shadow_is_compared_by_label_and_score() -> None:
    metrics = ServerMetrics()
    production = [Answer(b'"label":"No","probability":0.2}', 0.2), Answer(b'"label":"No","probability":0.4}', 0.4)]
    shadow = [Answer(b'"label":"No","probability":0.3}', 0.3), Answer(b'"label":"Yes","probability":0.8}', 0.8)]

    metrics.compare_shadow(SimpleNamespace(production_answers=production), shadow)  # type: ignore[arg-type]

    assert metrics.registry.get_sample_value("serving_shadow_disagreements_total") == 1
    assert metrics.registry.get_sample_value("serving_shadow_score_difference_sum") == pytest.approx(0.5)
