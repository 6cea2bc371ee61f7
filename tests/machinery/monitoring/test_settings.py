"""monitoring.yaml: what cannot be meant is refused, and every key has an effect."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.monitoring import settings
from machinery.monitoring import lab


def test_the_file_of_this_repo_can_be_read() -> None:
    assert settings.load()


def test_without_retraining_the_file_has_no_such_section(tmp_path: Path) -> None:
    path = tmp_path / "monitoring.yaml"
    path.write_text(settings.MONITORING.read_text().partition("\n# How `monitor --act` starts")[0])

    found = settings.load(path)

    assert (found.retrain, found.cache) == (None, Path(".monitoring"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("window__length", "a day", "'a day' is not a length of time"),
        ("window__min_rows", 10, "window.min_rows is 10"),
        ("sample__rows", 0, "sample.rows is 0"),
        ("drift__score", 0, "drift.score is 0"),
        ("drift__false_alarms", 1, "drift.false_alarms is 1"),
        ("quality__nulls", 1.5, "quality.nulls is 1.5"),
        ("performance__min_labels", 30_000, "more than sample.labels"),
        ("performance__delay", "0d", "'0d' is not a length of time"),
        ("rule__alarms", 4, "4 alarms in 3 windows are impossible"),
        ("rule__windowz", 4, "did you mean windows"),
    ],
)
def test_what_cannot_be_meant_is_refused(key: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        lab.settings(**{key: value})


@pytest.mark.parametrize(
    ("key", "value", "alarm"),
    [
        ("drift__categorical", 0.9, "plan drifted"),
        ("drift__numerical", 3.0, "age drifted"),
        ("drift__ignore", ["age"], "age drifted"),
        ("drift__score", 3.0, "the score"),
        ("drift__false_alarms", 0.2, ""),
        ("quality__nulls", 0.9, "amount: nulls"),
        ("quality__unseen", 0.9, "plan: unseen"),
        ("quality__invalid", 0.5, "flag: invalid"),
        ("performance__min_labels", 900, "roc_auc"),
    ],
)
def test_a_key_decides_what_is_an_alarm(params: Params, tmp_path: Path, key: str, value: Any, alarm: str) -> None:
    params = lab.of_task(params, "binary")
    window = lab.logged_rows(800, 6, params)
    window["inputs.age"] = window["inputs.age"] * 1.2
    window["inputs.plan"] = np.where(np.arange(800) < 200, "none", window["inputs.plan"])
    window["inputs.amount"] = np.where(np.arange(800) < 300, np.nan, window["inputs.amount"])
    window["inputs.flag"] = np.where(np.arange(800) < 20, 2.0, window["inputs.flag"])
    window["probability"] **= 2
    labelled = window.assign(actual=np.random.default_rng(1).permutation(window["actual"]))

    default = lab.summary(lab.baseline(tmp_path, params, lab.settings()), window, labelled)
    changed = lab.summary(lab.baseline(tmp_path, params, lab.settings(**{key: value})), window, labelled)

    if alarm:
        assert any(text.startswith(alarm) for text in default.alarms)
        assert not any(text.startswith(alarm) for text in changed.alarms)
    else:
        thresholds = [{column.name: column.threshold for column in found.columns} for found in (default, changed)]
        assert thresholds[0]["amount"] > thresholds[1]["amount"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("webhook_seconds: 10", "webhook_seconds: 0", "alert.webhook_seconds is 0"),
        ("start: auto", "strat: auto", "retrain.strat is not a parameter (did you mean start?)"),
        ("start: auto", "start: sometimes", "retrain.start is 'sometimes'"),
        ("branch: main", "branch: 'main; rm'", "retrain.branch is 'main; rm'"),
        ("issue: drift", "issue: 'a,b'", "alert.issue is 'a,b'"),
    ],
)
def test_what_cannot_be_done_about_it_is_refused_by_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = settings.MONITORING.read_text()
    assert old in text
    path = tmp_path / "monitoring.yaml"
    path.write_text(text.replace(old, new))

    with pytest.raises(ConfigError) as error:
        settings.load(path)

    assert says in str(error.value)
