"""A version of an invented model, its reference and traffic, for any task: nothing here speaks of the sample's columns."""

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as arrow

from lifecycle.core import reference
from lifecycle.core.config import Params
from lifecycle.core.files import write_json, write_text
from lifecycle.core.times import Window
from lifecycle.gate import policy
from lifecycle.monitoring.baseline import Baseline
from lifecycle.monitoring.settings import Monitoring
from lifecycle.monitoring.summary import Summary
from lifecycle.monitoring.traffic import Traffic, Watched

UNTIL = datetime.datetime(2026, 3, 1, 6, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
INPUTS = ["amount", "age", "plan", "flag", "note", "joined"]

CONTRACT = """
columns:
  key: {dtype: str}
  outcome: {dtype: str}
  amount: {dtype: float64, nullable: true, in_range: {min_value: -1000, max_value: 100000}}
  age: {dtype: int64, in_range: {min_value: 0, max_value: 150}, mean_between: {min_value: 30, max_value: 50}}
  plan: {dtype: category, isin: [basic, extra, family, none]}
  flag: {dtype: int64, isin: [0, 1]}
  note: {dtype: str, nullable: true}
  joined: {dtype: "datetime64[ns]"}
"""
GATES = """
metrics:
  metrics/test.json: {LIMITS}
tolerance: 0.0001
exceptions: []
"""
LIMITS = {"binary": "{roc_auc: {min: 0.7}}", "multiclass": "{accuracy: {min: 0.5}}", "regression": "{mae: {max: 2.0}}"}
SETTINGS: dict[str, dict[str, Any]] = {
    "window": {"length": "1d", "min_rows": 500, "log": None},
    "sample": {"rows": 5000, "labels": 20000},
    "drift": {"false_alarms": 0.01, "categorical": 0.1, "numerical": 0.1, "score": 0.1, "ignore": []},
    "quality": {"nulls": 0.05, "unseen": 0.02, "invalid": 0.001, "unreadable": 0.01},
    "performance": {"min_labels": 200, "delay": None},
    "rule": {"windows": 3, "alarms": 2},
    "alert": {"webhook_seconds": 10, "issue": "drift"},
    "retrain": {"start": "auto", "branch": "main"},
}


def settings(**changes: Any) -> Monitoring:
    """Return settings; `drift__score=0.5` is another value of drift.score."""
    content = {name: dict(section) for name, section in SETTINGS.items()}
    for name, value in changes.items():
        section, _, key = name.partition("__")
        content[section][key] = value
    return Monitoring.checked(content, "test")


def of_task(params: Params, task: str) -> Params:
    data = params.data.model_copy(update={"id": "key", "target": "outcome", "positive": "b"})
    return params.model_copy(update={"task": task, "data": data})


def population(rows: int, seed: int, task: str = "binary") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rows that follow one law, whatever the seed: the contract's columns, and what the model says of them."""
    chance = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": np.where(chance.random(rows) < 0.1, np.nan, chance.lognormal(3, 1, rows)),
            "age": chance.normal(40, 10, rows).clip(0, 150).round().astype("int64"),
            "plan": pd.Categorical(chance.choice(["basic", "extra", "family"], rows, p=[0.6, 0.3, 0.1])),
            "flag": (chance.random(rows) < 0.05).astype("int64"),
            "note": pd.Series(chance.integers(0, 3000, rows)).map("note {}".format),
            "joined": pd.Timestamp("2026-01-01") + pd.to_timedelta(chance.integers(0, 300, rows), unit="D"),
        }
    )
    if task == "regression":
        prediction = chance.normal(10, 3, rows)
        return frame.assign(outcome=prediction + chance.normal(0, 1, rows)), pd.DataFrame({"prediction": prediction})
    classes = ["a", "b"] if task == "binary" else ["a", "b", "c"]
    shares = chance.dirichlet([2.0] * len(classes), rows)
    outcome = np.array(classes)[(shares.cumsum(axis=1) < chance.random((rows, 1))).sum(axis=1)]
    label = np.array(classes)[shares.argmax(axis=1)]
    scores = {"probability": shares[:, 1]} if task == "binary" else {}
    if task == "multiclass":
        scores = {f"probability_{name}": shares[:, place] for place, name in enumerate(classes)}
    return frame.assign(outcome=outcome), pd.DataFrame({"prediction": label, **scores})


def logged_rows(rows: int, seed: int, params: Params) -> pd.DataFrame:
    """Return rows as a reference keeps them and the log has them."""
    frame, predictions = population(rows, seed, params.task)
    many = params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"reference": rows})})
    return reference.reference(frame, predictions, INPUTS, many).to_pandas()


def baseline(folder: Path, params: Params, limits: Monitoring, rows: int = 2000) -> Baseline:
    """Return the baseline of a version, whose files are in a folder."""
    folder.mkdir(exist_ok=True)
    write_text(CONTRACT, folder / "contract.yaml")
    gates = policy.parse(GATES.replace("{LIMITS}", LIMITS[params.task]), "test")
    return Baseline(4, folder, logged_rows(rows, 1, params), params, gates, limits)


def watched(baseline: Baseline, log: Path) -> Watched:
    schema = arrow.Schema.from_pandas(baseline.reference, preserve_index=False)
    return Watched(log, "production", baseline.version, schema)


def summary(baseline: Baseline, sample: pd.DataFrame, labelled: pd.DataFrame | None = None) -> Summary:
    """Return the summary of a window, given as the log's samples."""
    labelled = sample.head(0) if labelled is None else labelled
    traffic = Traffic(len(sample), sample, labelled, {}, 0)
    started = baseline.summary(Window(UNTIL - DAY, UNTIL), watched(baseline, Path("log")), traffic)
    return baseline.measured(started, sample, labelled, baseline.comparison().of(sample))


def lines(frame: pd.DataFrame, start: str, version: int = 4, role: str = "production", ids: str = "r") -> list[bytes]:
    """Return rows of a reference as lines of the log, a second apart."""
    first, found = datetime.datetime.fromisoformat(start), []
    for number, row in enumerate(frame.astype(object).where(frame.notna(), None).to_dict("records")):
        moment = (first + datetime.timedelta(seconds=number)).isoformat(timespec="milliseconds")
        record: dict[str, Any] = {"time": moment, "version": version, "role": role, "request_id": f"{ids}{number}"}
        for name, value in row.items():
            nested, dot, rest = str(name).partition(".")
            if dot:
                record.setdefault(nested, {})[rest] = value
            elif name != "actual":
                record[str(name)] = value
        found.append(json.dumps(record).encode() + b"\n")
    return found


def feedback(labels: dict[str, Any], start: str) -> list[bytes]:
    return [
        json.dumps({"time": start, "request_id": name, "label": label}).encode() + b"\n"
        for name, label in labels.items()
    ]


def past(days_ago: float = 0, alarm: bool = True, days: float = 1, **changes: Any) -> Summary:
    """Return the summary of a window that ended some days ago."""
    until = UNTIL - days_ago * DAY
    content: dict[str, Any] = {
        "window": Window(until - days * DAY, until),
        "model": "m",
        "version": "4",
        "rows": 100,
        "compared": {"rows": 100, "reference": 100},
        "labels": 0,
        "other_versions": {},
        "broken_lines": 0,
        "alarms": ["age drifted"] if alarm else [],
        "drifted": [],
        "columns": [],
        "score": None,
        "quality": [],
        "performance": [],
        "role": "production",
        "log": "logs",
        "readable": 100,
        "status": "healthy",
    }
    return Summary(**(content | changes))


def written(reports: Path, days_ago: float, alarm: bool, days: float = 1, **changes: Any) -> None:
    """Write the summary of an earlier window."""
    summary = past(days_ago, alarm, days, **changes)
    write_json(summary.to_json(), reports / summary.window.name / "summary.json")
