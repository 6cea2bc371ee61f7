"""From the log to a summary, whatever is predicted."""

from pathlib import Path

import pyarrow as arrow
import pytest
from machinery.monitoring import lab

from lifecycle.core.config import Params
from lifecycle.monitoring import alarm_rule as rule
from lifecycle.monitoring import render
from lifecycle.monitoring.traffic import Watched, collect
from lifecycle.core.times import Window
from lifecycle.prediction_log.writer import FEEDBACK, Log

WINDOW = Window(lab.UNTIL - lab.DAY, lab.UNTIL)
METRIC = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "mae"}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_window_is_read_judged_and_described(params: Params, tmp_path: Path, task: str) -> None:
    judge = lab.judge(tmp_path / "4", lab.of_task(params, task), lab.settings(rule__alarms=1))
    rows = lab.kept(800, 3, judge.params)
    rows.loc[:399, "inputs.age"] += 10
    log = Log(tmp_path / "log")
    log.write(lab.lines(rows, "2026-02-28T20:00:00+00:00"), "2026-02-28")
    labels = {f"r{number}": label for number, label in enumerate(rows["actual"][:300])}
    log.write(lab.feedback(labels | {"r700": "no class"}, "2026-03-01T20:00:00+00:00"), "2026-03-01", FEEDBACK)

    schema = arrow.Schema.from_pandas(judge.reference, preserve_index=False)
    traffic = collect(Watched(tmp_path / "log", "production", 4, schema), WINDOW, 5000, 1000)
    compared = judge.comparison().of(traffic.sample)
    found = judge.judged(judge.summary(WINDOW, traffic), traffic.sample, traffic.labelled, compared)
    found = rule.decided(found, [], judge.settings.rule)

    assert (found["rows"], found["labels"], found["drifted"], found["status"]) == (800, 300, ["age"], "act")
    assert [(one["metric"], one["labels"], one["status"]) for one in found["performance"]] == [
        (METRIC[task], 300, "ok")
    ]
    assert found["reasons"] == found["alarms"]
    for said in (render.terminal(found), render.markdown(found)):
        assert "wasserstein" in said
        assert METRIC[task] in said
        assert said.count("drift") >= 2
        assert "monitor: act" in said


def test_lines_that_do_not_hold_the_references_types_are_an_alarm(params: Params, tmp_path: Path) -> None:
    judge = lab.judge(tmp_path / "4", lab.of_task(params, "binary"), lab.settings(rule__alarms=1))
    rows = lab.kept(800, 3, judge.params)
    lines = lab.lines(rows, "2026-02-28T20:00:00+00:00")
    spoilt = [
        line.replace(b'"age": ', b'"age": "x", "_": ') if number % 2 else line for number, line in enumerate(lines)
    ]
    Log(tmp_path / "log").write(spoilt, "2026-02-28")

    schema = arrow.Schema.from_pandas(judge.reference, preserve_index=False)
    traffic = collect(Watched(tmp_path / "log", "production", 4, schema), WINDOW, 5000, 1000)
    compared = judge.comparison().of(traffic.sample)
    found = judge.judged(judge.summary(WINDOW, traffic), traffic.sample, traffic.labelled, compared)

    assert (found["rows"], len(traffic.sample), found["broken_lines"]) == (800, 400, 400)
    assert found["alarms"][0] == "(lines of the log): unreadable 0.3333, the limit is 0.01"
