"""A search in a copy of the project whose pipeline has run as far as the features."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.core import config, user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml, write_parquet
from lifecycle.search import search as search_module
from lifecycle.search.search import search

pytest.importorskip("optuna", reason="tests/test_machinery.py installs it")

SPACE = """\
metric: log_loss
parameters:
  train.parameters.learning_rate: {low: 0.01, high: 0.3, log: true}
  train.parameters.max_leaf_nodes: [4, 8]
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, features: pd.DataFrame) -> Path:
    for name in ("params.yaml", "contract.yaml", "environment.yaml"):
        shutil.copy(name, tmp_path / name)
    (tmp_path / "src").symlink_to(Path("src").resolve())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr(search_module, "_repro", lambda *arguments: None)
    Path("search.yaml").write_text(SPACE)
    params = (
        Path("params.yaml").read_text().replace("max_iter: 150", "max_iter: 5").replace("_rate: 0.05", "_rate: 0.011")
    )
    Path("params.yaml").write_text(params)
    for side, rows in (("train", features.head(600)), ("validation", features.tail(500))):
        write_parquet(rows, config.FEATURES / f"{side}.parquet")
    return tmp_path


def test_the_best_of_all_trials_is_written_and_a_search_goes_on_where_it_ended(repo: Path, params: Params) -> None:
    import mlflow

    before, lines = Path("params.yaml").read_text(), list[str]()

    search(6, 2, lines.append)

    after, report = Path("params.yaml").read_text(), json.loads(config.SEARCH_REPORT.read_text())
    best = report["parameters"]
    train = read_yaml(config.PARAMS)["train"]["parameters"]
    assert report["trials"] == 6
    assert report["refused"] == 0
    assert report["validation"] < report["present"]  # a rate of 0.011 learns little in five trees
    assert {f"train.parameters.{name}": train[name] for name in ("learning_rate", "max_leaf_nodes")} == best
    assert report["corrected"]["low"] < report["corrected"]["value"] < report["corrected"]["high"]
    changed = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]
    assert all("learning_rate" in line or "max_leaf_nodes" in line for line, _ in changed)
    assert any("6 trials; the best has log_loss" in line for line in lines)
    mlflow.set_tracking_uri(f"sqlite:///{repo}/mlflow.db")
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    trials = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(runs) - 1 == len(trials) == 6
    assert min(run.data.metrics["log_loss"] for run in trials) == pytest.approx(report["validation"], abs=1e-6)

    search(6, 2, lines.append)  # nothing more is tried; and the present parameters, of the study too, are the best
    search(7, 2, lines.append)

    assert "search: 6 trials are there from an earlier run" in lines
    assert any(line.startswith("search: no trial is better than the present parameters (log_loss ") for line in lines)
    assert any(line.startswith("search: 7 trials") for line in lines)
    assert len(mlflow.search_runs(search_all_experiments=True, output_format="list")) == 8
    assert json.loads(config.SEARCH_REPORT.read_text())["trials"] == 7  # the gate's report is of all of them


def test_parameters_outside_the_ranges_stay_if_no_trial_is_better(repo: Path) -> None:
    weak = SPACE.replace("low: 0.01, high: 0.3", "low: 0.0001, high: 0.0002")
    Path("search.yaml").write_text(weak)
    before, lines = Path("params.yaml").read_text(), list[str]()

    search(2, 1, lines.append)

    assert "search: 2 trials; the best has log_loss" in lines[0]
    loss = lines[0].rpartition(" ")[2]
    assert lines[-1] == (
        f"search: no trial is better than the present parameters (log_loss {loss}): params.yaml is unchanged"
    )
    assert Path("params.yaml").read_text() == before
    assert not config.SEARCH_REPORT.exists()


def test_present_parameters_that_the_estimator_refuses_are_named_and_replaced(repo: Path) -> None:
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("max_leaf_nodes: 4", "max_leaf_nodes: 1"))
    lines: list[str] = []

    search(2, 1, lines.append)

    assert lines[0].startswith("warning: the present parameters cannot be measured: ")
    assert "max_leaf_nodes" in lines[0]
    assert json.loads(config.SEARCH_REPORT.read_text())["present"] is None
    assert read_yaml(config.PARAMS)["train"]["parameters"]["max_leaf_nodes"] in (4, 8)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ("{n_estimators: 5}", "search.yaml: parameters: train.parameters.max_leaf_nodes: LGBMClassifier has max_leaf_nodes as num_leaves: write train.parameters.num_leaves"),
        ("{max_leaf_nodes: 5}", "search.yaml: params.yaml: train.parameters: max_leaf_nodes and num_leaves are the same parameter of LGBMClassifier: keep one"),
    ],
)  # fmt: skip
def test_ranges_of_another_estimator_are_refused(repo: Path, parameters: str, complaint: str) -> None:
    pytest.importorskip("lightgbm", reason="lightgbm is not installed: tests/test_machinery.py installs it")
    content = read_yaml(config.PARAMS)
    content["train"] = {
        "estimator": "lightgbm.LGBMClassifier",
        "parameters": json.loads(parameters.replace("{", '{"').replace(":", '":')),
    }
    config.PARAMS.write_text(json.dumps(content))
    if "max_leaf" in parameters:
        Path("search.yaml").write_text(SPACE.replace("max_leaf_nodes", "num_leaves"))

    with pytest.raises(ConfigError) as error:
        search(2, 1, print)

    assert str(error.value).startswith(complaint)


def test_a_search_by_a_metric_of_the_users_own(repo: Path, params: Params) -> None:
    package = repo / "src" / params.package
    (repo / "src").unlink()
    (repo / "src").mkdir()
    (repo / "src/lifecycle").symlink_to(Path(search_module.__file__).parents[1])
    shutil.copytree(Path(user_code.__file__).parents[2] / params.package, package)
    metric = "@metric(higher_is_better=True)\ndef mine(actual, probability):\n    return probability[actual].mean()\n"
    (package / "metrics.py").write_text(f"from lifecycle.core.own_metrics import metric\n\n{metric}")
    Path("search.yaml").write_text(SPACE.replace("log_loss", "mine"))

    search(4, 1, print)

    report = json.loads(config.SEARCH_REPORT.read_text())
    assert report["metric"] == "mine"
    assert report["validation"] > report["present"]
    assert 0 < report["corrected"]["value"] <= 1


def test_values_that_the_estimator_refuses_count_as_trials(repo: Path) -> None:
    Path("search.yaml").write_text(SPACE.replace("[4, 8]", "[4, 1]"))  # a tree has two leaves or more
    lines: list[str] = []

    search(8, 2, lines.append)

    report = json.loads(config.SEARCH_REPORT.read_text())
    assert report["trials"] == 8
    assert 0 < report["refused"] < 8
    assert report["parameters"]["train.parameters.max_leaf_nodes"] == 4


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("learning_rate:", "learning_rat:", "did you mean learning_rate?"),
        ("train.parameters.learning_rate", "split.test", "split.test does not begin with train."),
        ("metric: log_loss", "metric: rocauc", "metric rocauc is not one of accuracy, average_precision"),
        (
            "metric: log_loss",
            "metric: rmse",
            "metric rmse: the validation rows have roc_auc, average_precision, log_loss",
        ),
        ("low: 0.01, high: 0.3", "low: 0.3, high: 0.01", "the first below the second, or a list of values"),
        ("low: 0.01", "low: 0", "log: true needs a low above 0"),
        ("[4, 8]", "[4]", "at least 2 items"),
        ("[4, 8]", "[1, 4]", "max_leaf_nodes"),
    ],
)
def test_settings_that_cannot_be_tried_are_refused_in_one_line(repo: Path, old: str, new: str, complaint: str) -> None:
    assert old in SPACE
    Path("search.yaml").write_text(SPACE.replace(old, new))
    before = Path("params.yaml").read_text()

    with pytest.raises(ConfigError) as error:
        search(2, 1, print)

    assert complaint in str(error.value)
    assert "search.yaml" in str(error.value)
    assert "\n" not in str(error.value)
    assert Path("params.yaml").read_text() == before
