"""The user's metrics in a process of their own: numbers come back, or one line says why not."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import metric_process, metrics
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.metric_process import MetricProcess
from lifecycle.core.own_metrics import declared

HEAD = "import os, time\nimport numpy as np\nfrom lifecycle.core.own_metrics import metric\n"
ROWS = 60


def of_task(params: Params, task: str) -> Params:
    data = params.data.model_copy(update={"target": "y", "positive": "yes"})
    return params.model_copy(update={"task": task, "data": data})


def table(task: str) -> tuple[pd.Series, pd.DataFrame]:
    generator = np.random.default_rng(3)
    if task == "regression":
        actual = pd.Series(generator.normal(size=ROWS))
        return actual, pd.DataFrame({"prediction": actual + generator.normal(size=ROWS)})
    if task == "binary":
        probability = generator.random(ROWS)
        actual = pd.Series(np.where(generator.random(ROWS) < probability, "yes", "no"))
        return actual, pd.DataFrame({"probability": probability})
    names = ["10", "2", "a"]  # not in the order that sorting gives to numbers
    scores = pd.DataFrame(
        generator.dirichlet(np.ones(3), ROWS), columns=[f"probability_{name}" for name in names[::-1]]
    )
    return pd.Series(generator.choice(names, ROWS)), scores


def process(tmp_path: Path, source: str, package: str = "mine") -> MetricProcess:
    folder = tmp_path / package
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "metrics.py").write_text(HEAD + source)
    return MetricProcess(package, declared(HEAD + source, "metrics.py"), tmp_path)


def function(name: str, takes: str, body: str) -> str:
    return f"@metric(higher_is_better=True)\ndef {name}(actual, {takes}):\n    {body}\n"


@pytest.mark.parametrize(
    ("task", "built_in", "takes", "body"),
    [
        ("binary", "accuracy", "prediction", "return np.mean(actual == prediction)"),
        ("binary", "brier", "probability", "return np.mean((probability - actual) ** 2)"),
        ("multiclass", "accuracy", "prediction", "return np.mean(actual == prediction)"),
        ("multiclass", "brier", "probability",
         "return np.mean(((probability - (actual[:, None] == np.unique(actual))) ** 2).sum(axis=1))"),
        ("regression", "mae", "prediction", "return np.abs(actual - prediction).mean()"),
    ],
)  # fmt: skip
def test_a_metric_of_the_users_equals_the_built_in_one_also_when_rows_are_resampled(
    task: str, built_in: str, takes: str, body: str, params: Params, tmp_path: Path
) -> None:
    chosen, (actual, predictions) = of_task(params, task), table(task)

    with process(tmp_path, function("own", takes, body)) as own:
        measure = metrics.measure(actual, predictions, chosen, own.measure)
        points, bounds = metrics.point(measure, ROWS), metrics.intervals(measure, ROWS, 20, 1)

    assert points["own"] == points[built_in]
    assert bounds["own"] == bounds[built_in]


def test_the_code_runs_in_another_process_which_ends_with_this_one(params: Params, tmp_path: Path) -> None:
    actual, predictions = table("binary")
    with process(tmp_path, function("own", "prediction", "return os.getpid()")) as own:
        number = own.measure(actual, predictions, of_task(params, "binary"))(np.ones(ROWS))["own"]

    assert number != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)


@pytest.mark.parametrize(
    "body", ["return np.mean(actual[actual]) / 0", "raise ValueError('one class')", "return 1 / int(actual.sum())"]
)
def test_where_rows_do_not_define_a_metric_it_is_left_out_and_all_rows_must_define_it(
    body: str, params: Params, tmp_path: Path
) -> None:
    actual, predictions = pd.Series(["no"] * 9), pd.DataFrame({"probability": np.linspace(0, 1, 9)})
    with process(tmp_path, function("own", "prediction", body)) as own:
        points = metrics.point(own.measure(actual, predictions, of_task(params, "binary")), 9)

        assert points == {}
        with pytest.raises(DataError, match=r"metrics\.py: own is not defined on the 9 test rows: \w+"):
            own.require(points, "9 test rows")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 'high'", r"src/mine/metrics\.py: own: it returns 'high', not a number"),
        ("return True", "not a number"),
        ("return None", "not a number"),
        ("return actual.nothing", r"own: AttributeError: .*\(line 6\)"),
        ("raise SystemExit", "own: SystemExit"),
        ("os._exit(3)", "has ended with exit code 3"),
        ("time.sleep(60)", "own on 60 rows has taken more than 0.5 seconds, and was stopped"),
    ],
)
def test_what_gives_no_number_is_one_line(
    body: str, message: str, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actual, predictions = table("binary")
    with process(tmp_path, function("own", "prediction", body)) as own:
        measure = own.measure(actual, predictions, of_task(params, "binary"))
        monkeypatch.setattr(metric_process, "LONGEST_SECONDS", 0.5)

        with pytest.raises(DataError, match=message) as error:
            measure(np.ones(ROWS))

    assert "\n" not in str(error.value)


def test_a_module_that_cannot_be_imported_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs nothing_of_this_name, which is not installed"):
        process(tmp_path, "import nothing_of_this_name\n" + function("own", "prediction", "return 1")).__enter__()


def test_a_module_that_fails_when_it_is_imported_is_named_with_the_line_and_without_a_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = function("own", "prediction", "return 1") + "\nlimit = unknown\n"

    with pytest.raises(
        ConfigError, match=r"^src/mine/metrics\.py, line \d+: NameError: name 'unknown' is not defined$"
    ):
        process(tmp_path, source).__enter__()
    assert capfd.readouterr().err == ""


def test_without_metrics_of_the_users_there_is_no_process(params: Params) -> None:
    actual, predictions = table("binary")
    with MetricProcess("mine", {}) as own:
        assert own.measure(actual, predictions, of_task(params, "binary"))(np.ones(ROWS)) == {}
        assert not hasattr(own, "_process")
