"""The alert rules, by Prometheus' own tools: which servers they name, and which they leave alone."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import BakedProject

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed: Debian's package prometheus has it"
)

HEALTHY = {
    'serving_model_version{instance="a", role="production"}': "1+0x60",
    'serving_model_version{instance="a", role="canary"}': "0+0x60",
    'serving_registry_reachable{instance="a"}': "1+0x60",
    'serving_requests_total{instance="a", path="/predict", status="200"}': "0+6000x60",
    'serving_requests_total{instance="a", path="/predict", status="503"}': "0+6x60",
    'serving_request_seconds_bucket{instance="a", path="/predict", le="0.1"}': "0+6000x60",
    'serving_request_seconds_bucket{instance="a", path="/predict", le="0.5"}': "0+6000x60",
    'serving_request_seconds_bucket{instance="a", path="/predict", le="+Inf"}': "0+6000x60",
    'serving_predictions_total{instance="a", role="production", version="1"}': "0+6000x60",
    'serving_rows_refused_total{instance="a", column="x", rule="missing"}': "0+60x60",
    'serving_log_failures_total{instance="a"}': "0+0x60",
    'serving_model_processes_lost_total{instance="a", version="1"}': "0+0x60",
    'serving_connections_refused_total{instance="a", reason="too many"}': "0+0x60",
    'serving_connections_refused_total{instance="a", reason="head too slow"}': "0+60x60",
    'serving_shadow_dropped_total{instance="a"}': "0+0x60",
}
# alert → the series that is otherwise, and how
TROUBLE = {
    "ServerWithoutModel": ('serving_model_version{instance="a", role="production"}', "0+0x60"),
    "PredictionsFail": ('serving_requests_total{instance="a", path="/predict", status="503"}', "0+120x60"),
    "PredictionsAreSlow": ('serving_request_seconds_bucket{instance="a", path="/predict", le="0.1"}', "0+5000x60"),
    "RowsAreRefused": ('serving_rows_refused_total{instance="a", column="x", rule="missing"}', "0+600x60"),
    "PredictionLogCannotBeWritten": ('serving_log_failures_total{instance="a"}', "0+1x60"),
    "ModelProcessIsLost": ('serving_model_processes_lost_total{instance="a", version="1"}', "0+1x60"),
    "RegistryDoesNotAnswer": ('serving_registry_reachable{instance="a"}', "0+0x60"),
    "ServerRefusesConnections": ('serving_connections_refused_total{instance="a", reason="too many"}', "0+1x60"),
    "ShadowFallsBehind": ('serving_shadow_dropped_total{instance="a"}', "0+1x60"),
    "NoServerAnswersPrometheus": ("", ""),
}


def firing(rules: Path, series: dict[str, str], folder: Path) -> set[str]:
    """The alerts that fire after an hour of these series, a value a minute."""
    names = [rule["alert"] for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]]
    silent = [{"eval_time": "60m", "alertname": name, "exp_alerts": []} for name in names]
    test: dict[str, Any] = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": silent,
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test))
    done = subprocess.run(
        ["promtool", "test", "rules", folder / "test.yml"], capture_output=True, text=True, timeout=60
    )
    printed = done.stdout + done.stderr
    found = {name for name in names if f"alertname: {name}," in printed}
    assert (done.returncode == 0) == (not found), printed
    return found


def test_the_rules_are_valid(baked: BakedProject) -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", baked.path / "prometheus/alerts.yaml"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert f"{len(TROUBLE)} rules found" in done.stdout


def test_a_server_that_is_well_alarms_nobody(baked: BakedProject, tmp_path: Path) -> None:
    assert firing(baked.path / "prometheus/alerts.yaml", HEALTHY, tmp_path) == set()


@pytest.mark.parametrize("alert", TROUBLE)
def test_each_trouble_has_its_alert_and_no_other(baked: BakedProject, tmp_path: Path, alert: str) -> None:
    name, values = TROUBLE[alert]
    series = {**HEALTHY, name: values} if name else {}

    assert firing(baked.path / "prometheus/alerts.yaml", series, tmp_path) == {alert}
