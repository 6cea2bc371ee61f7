"""From the log to a summary, whatever is predicted."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as arrow
import pytest

from lifecycle.core.config import Params
from lifecycle.core.files import write_json, write_text
from lifecycle.core.time_settings import TimeSplit
from lifecycle.core.times import Window
from lifecycle.monitoring import alarm_rule, summary_format
from lifecycle.monitoring.baseline import Baseline
from lifecycle.monitoring.monitor import logged_inputs
from lifecycle.monitoring.summary import Summary
from lifecycle.monitoring.traffic import Traffic, collect
from lifecycle.prediction_log.writer import FEEDBACK, Log
from machinery.monitoring import lab

WINDOW = Window(lab.UNTIL - lab.DAY, lab.UNTIL)
METRIC = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "mae"}


def summarised(baseline: Baseline, log: Path) -> tuple[Summary, Traffic]:
    watched = lab.watched(baseline, log)
    traffic = collect(watched, WINDOW, 5000, 1000)
    compared = baseline.comparison().of(traffic.sample)
    started = baseline.summary(WINDOW, watched, traffic)
    return baseline.measured(started, traffic.sample, traffic.labelled, compared), traffic


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_window_is_read_compared_and_described(params: Params, tmp_path: Path, task: str) -> None:
    baseline = lab.baseline(tmp_path / "4", lab.of_task(params, task), lab.settings(rule__alarms=1))
    rows = lab.logged_rows(800, 3, baseline.params)
    rows.loc[:399, "inputs.age"] += 10
    log = Log(tmp_path / "log")
    log.write(lab.lines(rows, "2026-02-28T20:00:00+00:00"), "2026-02-28")
    labels = {f"r{number}": label for number, label in enumerate(rows["actual"][:300])}
    log.write(lab.feedback(labels | {"r700": "no class"}, "2026-03-01T20:00:00+00:00"), "2026-03-01", FEEDBACK)

    found = alarm_rule.decide(summarised(baseline, tmp_path / "log")[0], [], baseline.settings.rule)

    assert (found.rows, found.labels, found.drifted, found.status) == (800, 300, ["age"], "act")
    assert [(metric.metric, metric.labels, metric.status) for metric in found.performance] == [
        (METRIC[task], 300, "ok")
    ]
    assert found.reasons == found.alarms
    for text in (summary_format.terminal(found), summary_format.markdown(found)):
        assert "wasserstein" in text
        assert METRIC[task] in text
        assert text.count("drift") >= 2
        assert "monitor: act" in text


def test_columns_that_the_log_does_not_have_are_named_and_raise_no_alarm(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the tag is in the version's contract or only in that of the repo, by which servers write by now."""
    whole = lab.baseline(tmp_path / "4", lab.of_task(params, "binary"), lab.settings(drift__ignore=["note"]))
    contract = (tmp_path / "4/contract.yaml").read_text()
    write_text(contract.replace("note: {", "note: {metadata: {log: omit}, "), tmp_path / "4/contract.yaml")
    monkeypatch.chdir(tmp_path)
    write_text(contract.replace("age: {", "age: {metadata: {log: hash}, "), tmp_path / "contract.yaml")
    table, private = logged_inputs(arrow.Table.from_pandas(whole.reference, preserve_index=False), tmp_path / "4")
    baseline = replace(whole, reference=table.to_pandas(), private=private)
    rows = lab.logged_rows(800, 3, baseline.params)
    rows["inputs.age"] = "hmac-sha256:" + "0" * 64
    log = Log(tmp_path / "log")
    log.write(lab.lines(rows.drop(columns="inputs.note"), "2026-02-28T20:00:00+00:00"), "2026-02-28")

    found, _ = summarised(baseline, tmp_path / "log")

    assert (found.readable, found.alarms, found.private) == (800, [], {"note": "omit", "age": "hash"})
    assert {"age", "note"}.isdisjoint(column.name for column in found.columns)
    assert Summary.from_json(json.loads(json.dumps(found.to_json()))) == found
    for text in (summary_format.terminal(found), summary_format.markdown(found)):
        assert "not compared, as the log does not have them: note (left out), age (hashed)" in text


def test_an_alarm_that_does_not_last_is_shown_and_is_healthy() -> None:
    present = lab.past(alarm=True)
    rule = lab.settings().rule

    text = summary_format.terminal(alarm_rule.decide(present, [], rule))

    assert text.endswith("age drifted\nnot enough to act: an alarm in 1 of the last 1 windows\nmonitor: healthy\n")


def test_a_summary_comes_back_from_json_as_it_was(params: Params, tmp_path: Path) -> None:
    baseline = lab.baseline(tmp_path / "4", lab.of_task(params, "binary"), lab.settings())
    rows = lab.logged_rows(800, 3, baseline.params)
    found = alarm_rule.decide(lab.summary(baseline, rows, rows), [], baseline.settings.rule)
    assert found.quality
    assert found.performance

    content = json.loads(json.dumps(found.to_json(), allow_nan=False))

    assert Summary.from_json(content) == found
    assert content["window"] == {"since": "2026-02-28T06:00:00+00:00", "until": "2026-03-01T06:00:00+00:00"}
    with pytest.raises(ValueError, match="alarms"):
        Summary.from_json(replace(found, alarms=None).to_json())  # type: ignore[arg-type]


def test_lines_that_do_not_hold_the_references_types_are_an_alarm(params: Params, tmp_path: Path) -> None:
    baseline = lab.baseline(tmp_path / "4", lab.of_task(params, "binary"), lab.settings(rule__alarms=1))
    rows = lab.logged_rows(800, 3, baseline.params)
    lines = lab.lines(rows, "2026-02-28T20:00:00+00:00")
    spoilt = [
        line.replace(b'"age": ', b'"age": "x", "_": ') if number % 2 else line for number, line in enumerate(lines)
    ]
    Log(tmp_path / "log").write(spoilt, "2026-02-28")

    found, traffic = summarised(baseline, tmp_path / "log")

    assert (found.rows, len(traffic.sample), found.broken_lines) == (800, 400, 400)
    assert found.alarms[0] == "(lines of the log): unreadable 0.3333, the limit is 0.01"


@pytest.mark.parametrize(
    ("staleness", "days_ago", "line"),
    [
        ({"renew_days": 150}, 190, "the model is 190 days old; renew it at 150: it is due"),
        ({"renew_days": 150}, 20, "the model is 20 days old; renew it at 150"),
        ({"renew_days": None}, 190, None),
        (None, 190, None),
    ],
)
def test_the_age_of_a_model_is_said_once_it_is_known_when_to_renew_it(
    params: Params, tmp_path: Path, staleness: dict[str, int | None] | None, days_ago: int, line: str | None
) -> None:
    date = (lab.UNTIL - days_ago * lab.DAY).date().isoformat()
    split = params.split.model_copy(
        update={"time": TimeSplit(column="joined", validation_from=date, test_from="2027-01-01")}
    )
    version = lab.of_task(params, "binary").model_copy(update={"split": split})
    baseline = lab.baseline(tmp_path / "4", version, lab.settings())
    if staleness:
        write_json({"staleness": staleness}, tmp_path / "4" / "walk_forward.json")

    summary = alarm_rule.decide(lab.summary(baseline, lab.logged_rows(800, 3, version)), [], baseline.settings.rule)

    ending = f"\n{line}\nmonitor: healthy\n" if line else "\nmonitor: healthy\n"
    assert summary_format.terminal(summary).endswith(ending)
    assert ("days old" in summary_format.markdown(summary)) == bool(line)
    assert Summary.from_json(json.loads(json.dumps(summary.to_json()))) == summary
