"""The paired bootstrap, on predictions of our own making for the target of params.yaml."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import config, metrics
from lifecycle.core.config import Params
from lifecycle.core.git import git
from lifecycle.gate.paired_bootstrap import compare

ROWS = 600


def predictions(params: Params, noise: float, first: int = 0) -> pd.DataFrame:
    """Predictions for rows of a binary target; more noise is a worse model. The outcome depends on the row alone."""
    ids = np.arange(first, first + ROWS)
    chance = np.random.default_rng(1).random(ROWS + 10_000)[ids]
    positive = np.random.default_rng(2).random(ROWS + 10_000)[ids] < chance
    wrong = np.random.default_rng(3).normal(0, noise, ROWS)
    return pd.DataFrame(
        {
            params.data.id: ids,
            params.data.target: np.where(positive, str(params.data.positive), "other"),
            "probability": np.clip(chance + wrong, 0.01, 0.99),
        }
    )


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo whose one commit holds params.yaml as it is: `HEAD` is the base, its files are the branch."""
    (tmp_path / config.PREDICTIONS).parent.mkdir(parents=True)
    shutil.copy(config.PARAMS, tmp_path)
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    for name, value in {"user.name": "base", "user.email": "", "commit.gpgsign": "false"}.items():
        git("config", name, value)
    git("add", str(config.PARAMS))
    git("commit", "--quiet", "--no-verify", "--message", "base")
    return tmp_path


def written(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_parquet(path, index=False)
    return path


def test_a_worse_model_is_told_from_noise_and_a_better_one_too(params: Params, checkout: Path, tmp_path: Path) -> None:
    good = written(predictions(params, 0.01), tmp_path / "base.parquet")
    bad = written(predictions(params, 0.4), tmp_path / "other.parquet")

    shutil.copy(bad, checkout / config.PREDICTIONS)
    worse = compare("HEAD", good, checkout, {}, 0.0)
    shutil.copy(good, checkout / config.PREDICTIONS)
    better = compare("HEAD", bad, checkout, {}, 0.0)

    assert worse.rows == better.rows == ROWS
    assert worse.complete
    assert worse.changes["roc_auc"]["low"] < worse.changes["roc_auc"]["change"] < worse.changes["roc_auc"]["high"]
    assert worse.changes["roc_auc"]["high"] < 0 < better.changes["roc_auc"]["low"]
    assert better.changes["log_loss"]["high"] < 0 < worse.changes["log_loss"]["low"]


def test_the_same_predictions_in_another_order_differ_by_nothing(
    params: Params, checkout: Path, tmp_path: Path
) -> None:
    frame = predictions(params, 0.2)
    base = written(frame, tmp_path / "base.parquet")
    written(frame.sample(frac=1, random_state=0), checkout / config.PREDICTIONS)

    comparison = compare("HEAD", base, checkout, {}, 0.0)

    for bounds in comparison.changes.values():
        assert bounds["low"] == pytest.approx(0, abs=1e-9)
        assert bounds["high"] == pytest.approx(0, abs=1e-9)


def test_pairing_sees_what_two_separate_intervals_would_not(params: Params, checkout: Path, tmp_path: Path) -> None:
    less, more = predictions(params, 0.1), predictions(params, 0.12)
    base = written(less, tmp_path / "base.parquet")
    written(more, checkout / config.PREDICTIONS)

    interval = compare("HEAD", base, checkout, {}, 0.0).changes["roc_auc"]

    alone = metrics.intervals(metrics.measure(less[params.data.target], less, params), ROWS, 200, 0)["roc_auc"]
    assert interval["high"] - interval["low"] < (alone["high"] - alone["low"]) / 3


@pytest.mark.parametrize(("moved", "paired"), [(0, ROWS), (60, ROWS - 60), (61, 0), (9000, 0)])
def test_with_less_than_nine_tenths_of_the_bases_rows_the_sides_are_not_comparable(
    params: Params, checkout: Path, tmp_path: Path, moved: int, paired: int
) -> None:
    base = written(predictions(params, 0.1), tmp_path / "base.parquet")
    written(predictions(params, 0.2, first=moved), checkout / config.PREDICTIONS)

    comparison = compare("HEAD", base, checkout, {}, 0.0)

    assert comparison.rows == paired
    assert bool(comparison.changes) == bool(paired)
    assert bool(comparison.other_rows) == (not paired)
    assert paired or "of the base's 600 test rows are still there" in comparison.note


def test_rows_whose_label_has_changed_are_not_paired(params: Params, checkout: Path, tmp_path: Path) -> None:
    frame = predictions(params, 0.1)
    base = written(frame, tmp_path / "base.parquet")
    frame.loc[:49, params.data.target] = frame.loc[:49, params.data.target].map(
        {"other": params.data.positive, params.data.positive: "other"}
    )
    written(frame, checkout / config.PREDICTIONS)

    comparison = compare("HEAD", base, checkout, {}, 0.0)

    assert comparison.rows == ROWS - 50
    assert not comparison.complete
    assert not comparison.other_rows


def test_a_base_whose_metrics_do_not_follow_from_its_predictions_is_not_paired(
    params: Params, checkout: Path, tmp_path: Path
) -> None:
    honest = predictions(params, 0.1)
    figures = metrics.point(metrics.measure(honest[params.data.target], honest, params), ROWS)
    both = {name: {"old": value, "new": value} for name, value in figures.items()}
    written(honest, checkout / config.PREDICTIONS)
    forged = written(honest.assign(probability=1 - honest["probability"]), tmp_path / "forged.parquet")

    comparison = compare("HEAD", forged, checkout, both, 1e-4)

    assert not comparison.changes
    assert comparison.note.startswith("the base's metrics do not follow from its predictions: roc_auc is 0.")
    assert not comparison.problem
    assert compare("HEAD", written(honest, forged), checkout, both, 1e-4).complete


def test_a_branch_whose_metrics_do_not_follow_from_its_predictions_has_a_problem(
    params: Params, checkout: Path, tmp_path: Path
) -> None:
    base = written(predictions(params, 0.1), tmp_path / "base.parquet")
    written(predictions(params, 0.1), checkout / config.PREDICTIONS)

    comparison = compare("HEAD", base, checkout, {"log_loss": {"old": None, "new": 0.01}}, 1e-4)

    assert comparison.problem.startswith(
        "the branch's metrics do not follow from its predictions: log_loss is 0.0100, the"
    )


def test_without_the_bases_predictions_there_is_a_reason(params: Params, checkout: Path) -> None:
    comparison = compare("HEAD", None, checkout, {}, 0.0)

    assert (comparison.changes, comparison.rows) == ({}, 0)
    assert (
        comparison.note
        == "the base's predictions are neither in DVC's cache nor its remote, and its pipeline does not run here"
    )


def test_rows_that_came_in_leave_the_base_complete_and_repeated_ids_are_not_paired(
    params: Params, checkout: Path, tmp_path: Path
) -> None:
    more = pd.concat([predictions(params, 0.1), predictions(params, 0.1, first=5000)])
    base = written(predictions(params, 0.1), tmp_path / "base.parquet")

    written(more, checkout / config.PREDICTIONS)
    added = compare("HEAD", base, checkout, {}, 0.0)
    written(pd.concat([more, more.head(3)]), checkout / config.PREDICTIONS)
    repeated = compare("HEAD", base, checkout, {}, 0.0)

    assert (added.rows, added.complete) == (ROWS, True)
    assert added.note == "the base has 600 test rows, the branch 1,200"
    assert repeated.note.endswith("repeats among the test rows")


def test_the_branch_cannot_choose_seed_or_resamples(params: Params, checkout: Path, tmp_path: Path) -> None:
    base = written(predictions(params, 0.1), tmp_path / "base.parquet")
    written(predictions(params, 0.2), checkout / config.PREDICTIONS)
    before = compare("HEAD", base, checkout, {}, 0.0)
    text = config.PARAMS.read_text(encoding="utf-8")
    text = text.replace(f"seed: {params.seed}", "seed: 4321")
    (checkout / config.PARAMS).write_text(text.replace(f"bootstrap: {params.evaluate.bootstrap}", "bootstrap: 101"))

    assert config.load(checkout / config.PARAMS).evaluate.bootstrap == 101
    assert compare("HEAD", base, checkout, {}, 0.0) == before


def test_two_tasks_are_not_compared(params: Params, checkout: Path, tmp_path: Path) -> None:
    base = written(predictions(params, 0.1), tmp_path / "base.parquet")
    text = config.PARAMS.read_text(encoding="utf-8")
    (checkout / config.PARAMS).write_text(text.replace("task: binary", "task: multiclass"), encoding="utf-8")

    assert compare("HEAD", base, checkout, {}, 0.0).note == "the two sides predict different things"
