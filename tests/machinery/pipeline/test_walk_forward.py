"""Walk-forward evaluation: what a fold may know, which folds are left out, and what a model loses with its age."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import write_json
from lifecycle.core.time_settings import TimeSplit, WalkForward
from lifecycle.pipeline import evaluate, time_folds, walk_forward
from lifecycle.pipeline.staleness_curve import curve_points, staleness
from lifecycle.pipeline.walk_forward_card import walk_forward_sections

INPUTS = ["x", "z"]


@pytest.fixture
def trained_on(monkeypatch: pytest.MonkeyPatch) -> list[pd.DataFrame]:
    """Folds train a plain linear model; the rows that each of them was given."""
    given: list[pd.DataFrame] = []

    def fit(frame: pd.DataFrame, inputs: list[str], params: Params) -> Pipeline:
        given.append(frame)
        estimator = Ridge() if params.task == "regression" else LogisticRegression()
        estimator.fit(frame[inputs].to_numpy(), frame["y"].to_numpy())
        return Pipeline(
            [("inputs", FunctionTransformer(lambda rows: rows[inputs].to_numpy())), ("estimator", estimator)]
        )

    monkeypatch.setattr(time_folds, "fit", fit)
    return given


def of_time(params: Params, task: str = "binary", folds: int = 4, gap_days: int = 0) -> Params:
    data = params.data.model_copy(update={"id": "id", "target": "y", "positive": "b", "exclude": ["day"]})
    time = TimeSplit(column="day", validation_from="2024-06-01", test_from="2024-09-01", gap_days=gap_days)
    return params.model_copy(
        update={
            "task": task,
            "data": data,
            "split": params.split.model_copy(update={"time": time}),
            "evaluate": params.evaluate.model_copy(update={"walk_forward": WalkForward(folds=folds)}),
        }
    )


def drifting(task: str = "binary", rows: int = 1500, turn: float = 1.2) -> pd.DataFrame:
    """A year of rows, in no order, in which the column that tells something about the target changes from x to z."""
    chance = np.random.default_rng(1)
    day = chance.integers(0, 366, rows)
    x, z, angle = chance.normal(size=rows), chance.normal(size=rows), turn * day / 366
    score = 2 * (np.cos(angle) * x + np.sin(angle) * z) + chance.normal(size=rows)
    names = np.array(["a", "b", "c"])[np.digitize(score, {"binary": [0], "multiclass": [-1, 1]}.get(task, []))]
    moments = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")
    target = score if task == "regression" else names
    return pd.DataFrame({"id": range(rows), "day": moments, "x": x, "z": z, "y": target})


@pytest.mark.parametrize("gap_days", [0, 20])
def test_a_fold_is_trained_on_what_was_known_at_its_start(
    params: Params, trained_on: list[pd.DataFrame], gap_days: int
) -> None:
    frame = drifting()

    content = time_folds.walk_forward(frame, INPUTS, of_time(params, gap_days=gap_days))

    starts = [pd.Timestamp(fold["from"]) for fold in content["folds"]]
    assert len(starts) == 4
    for start, train in zip(starts, trained_on, strict=True):
        known = frame[frame["day"] < start - pd.Timedelta(days=gap_days)]
        assert list(train["id"]) == list(known["id"])
    assert [fold["to"] for fold in content["folds"][:-1]] == [fold["from"] for fold in content["folds"][1:]]
    assert content["folds"][-1]["to"] == "2025-01-01"  # the day after the last row
    first = (frame["day"] < starts[0]).mean()
    assert first == pytest.approx(1 / 5, abs=0.03)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_metrics_have_a_mean_and_a_spread_and_a_model_gets_worse_with_age(
    params: Params, trained_on: list[pd.DataFrame], task: str
) -> None:
    content = time_folds.walk_forward(drifting(task), INPUTS, of_time(params, task))

    name = "rmse" if task == "regression" else "log_loss"
    values = [fold["metrics"][name] for fold in content["folds"]]
    assert content["mean"][name] == pytest.approx(np.mean(values), abs=1e-5)
    assert content["deviation"][name] == pytest.approx(np.std(values, ddof=1), abs=1e-5)
    assert 0 <= content["beyond_chance"][name] < content["deviation"][name]
    curve = content["staleness"]["curve"]
    assert curve[0]["loss"] == curve[0]["renewed"]
    assert all(older["lost"] > younger["lost"] for younger, older in pairwise(curve))
    assert content["staleness"]["renew_days"] in [point["days"] for point in curve[1:3]]
    card = "\n".join(walk_forward_sections(content))
    assert f"Renew the model when it is {content['staleness']['renew_days']} days old" in card


def test_a_model_of_a_world_that_does_not_change_need_not_be_renewed(
    params: Params, trained_on: list[pd.DataFrame]
) -> None:
    content = time_folds.walk_forward(drifting(turn=0.0), INPUTS, of_time(params))

    assert content["staleness"]["renew_days"] is None
    assert "no age calls for a renewal" in "\n".join(walk_forward_sections(content))


def test_a_loss_that_chance_explains_calls_for_no_renewal(params: Params) -> None:
    chance = np.random.default_rng(0)
    renewed, trivial = np.full(40, 0.5), np.full(40, 1.0)
    losses = {(0, 0): renewed, (1, 1): renewed, (0, 1): renewed + 0.06 + chance.normal(0, 1, 40)}

    unsure = staleness(losses, {0: trivial, 1: trivial}, 30, params)
    sure = staleness({**losses, (0, 1): renewed + 0.06}, {0: trivial, 1: trivial}, 30, params)

    assert (unsure["renew_days"], sure["renew_days"]) == (None, 30)


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (lambda rows: rows.assign(y="b"), "all of its rows are of class b"),
        (lambda rows: rows.tail(7), "rows are in it, 30 are needed"),
    ],
)
def test_a_fold_that_tells_nothing_is_one_line(
    params: Params, trained_on: list[pd.DataFrame], spoilt: Callable[[pd.DataFrame], pd.DataFrame], reason: str
) -> None:
    frame = drifting().sort_values("day")
    start = time_folds.period_bounds(frame["day"], of_time(params))[3]
    frame = pd.concat([frame[frame["day"] < start], spoilt(frame[frame["day"] >= start])])

    content = time_folds.walk_forward(frame, INPUTS, of_time(params))

    assert len(content["folds"]) == 3
    assert len(content["left_out"]) == 1
    assert content["left_out"][0].endswith(reason)
    assert f"- {content['left_out'][0]}." in "\n".join(walk_forward_sections(content))


def test_a_class_that_was_not_known_yet_leaves_the_fold_out(params: Params, trained_on: list[pd.DataFrame]) -> None:
    frame = drifting("multiclass")
    frame.loc[(frame["y"] == "c") & (frame["day"] < "2024-06-01"), "y"] = "b"

    content = time_folds.walk_forward(frame, INPUTS, of_time(params, "multiclass"))

    assert any("no row known at its start is of class c" in line for line in content["left_out"])


def test_the_same_rows_in_another_order_give_the_same_folds(params: Params, trained_on: list[pd.DataFrame]) -> None:
    frame = drifting()

    contents = [
        time_folds.walk_forward(rows, INPUTS, of_time(params))
        for rows in (frame, frame.sort_values("day", kind="stable"))
    ]

    assert [fold["from"] for fold in contents[0]["folds"]] == [fold["from"] for fold in contents[1]["folds"]]
    assert contents[0]["mean"] == pytest.approx(contents[1]["mean"], abs=1e-4)


def test_too_many_folds_for_the_days_are_refused(params: Params) -> None:
    frame = drifting().assign(day=lambda rows: pd.Timestamp("2024-01-01") + pd.to_timedelta(rows["id"] % 3, unit="D"))

    with pytest.raises(ConfigError, match=r"walk_forward.folds is 4, .* only 3 whole days: use fewer folds"):
        time_folds.walk_forward(frame, INPUTS, of_time(params))


def test_a_column_with_a_time_zone_has_periods_of_whole_days(params: Params) -> None:
    moments = pd.Series(pd.date_range("2024-01-01", "2024-12-31 23:00", freq="h", tz="Europe/Berlin"))

    bounds = time_folds.period_bounds(moments, of_time(params))

    assert [f"{bound:%H:%M}" for bound in bounds] == ["00:00"] * 5
    assert f"{bounds[-1]:%Y-%m-%d}" == "2025-01-01"


def test_without_the_setting_the_file_is_empty_and_the_card_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    monkeypatch.setattr(walk_forward, "write_json", lambda content, path: written.append(content))

    assert "no evaluate.walk_forward" in walk_forward.main()

    assert written == [{}]
    assert walk_forward_sections({}) == []


def test_evaluate_reads_what_the_stage_has_written_and_names_the_stage_if_it_is_missing(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert evaluate.walk_forward_results(params) == {}
    with pytest.raises(ConfigError, match=r"walk_forward\.json: no such file; the stage walk_forward of dvc\.yaml"):
        evaluate.walk_forward_results(of_time(params))

    write_json({"folds": []}, config.WALK_FORWARD)

    assert evaluate.walk_forward_results(of_time(params)) == {"folds": []}


def test_the_plot_has_two_lines_by_age(params: Params, trained_on: list[pd.DataFrame]) -> None:
    curve = time_folds.walk_forward(drifting(), INPUTS, of_time(params))["staleness"]

    points = pd.DataFrame(curve_points(curve)).pivot(index="days", columns="model", values="loss")

    assert list(points.index) == [age * curve["period_days"] for age in range(4)]
    assert points.loc[0, "of that age"] == points.loc[0, "renewed"]
    assert (points["of that age"] > points["renewed"]).tolist() == [False, True, True, True]


def test_walk_forward_needs_a_split_by_time(params: Params) -> None:
    content = params.model_dump(mode="json")
    content["evaluate"] |= {"walk_forward": {"folds": 3}}

    with pytest.raises(ConfigError, match=r"walk_forward needs split\.time"):
        Params.checked(content, "params.yaml")
