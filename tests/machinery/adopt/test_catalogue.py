"""Awkward tables, public ones and generated ones, go from the file through `adopt` and every stage to metrics."""

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lifecycle.adopt import params_file, repo_files, splits
from lifecycle.adopt.plan import Options, decide
from lifecycle.core import config
from lifecycle.core.files import read_parquet, read_yaml, write_text
from lifecycle.pipeline import data, evaluate, featurize, train, validate
from lifecycle.pipeline.split import SIDES
from machinery.adopt import generated

ROOT = Path.cwd()
SEED = 1


def public(name: str) -> Callable[[Path], Path]:
    """A table that tests/test_machinery.py has written: the environment of a project has no public ones."""
    return lambda folder: Path(os.environ["CATALOGUE"], name)


Case = tuple[Callable[[Path], Path], Options, str]
CASES: dict[str, Case] = {
    "penguins": (public("penguins.csv"), Options("species"), "multiclass"),
    "iris, decimal comma": (public("iris.csv"), Options("Species"), "multiclass"),
    "diamonds, gzip": (public("diamonds.csv.gz"), Options("price"), "regression"),
    "credit, UTF-16 and tabs": (public("credit.csv"), Options("Status"), "binary"),
    "ames, CRLF": (public("ames.csv"), Options("Sale_Price"), "regression"),
    "attrition, pipes": (public("attrition.csv"), Options("Attrition"), "binary"),
    "titanic, Latin-1": (public("titanic.csv"), Options("survived"), "binary"),
    "flights, bzip2, rows without target": (public("flights_of_january.csv.bz2"), Options("arr_delay"), "regression"),
    "lending": (public("lending.csv"), Options("Class"), "binary"),
    "hotel, zip, a history": (public("hotel.csv.zip"), Options("avg_price_per_room"), "regression"),
    "speech, 753 columns": (public("speech.csv"), Options("class"), "binary"),
    "biopsy, question marks": (public("biopsy.csv"), Options("class"), "binary"),
    "travel, grouped": (public("travel.csv"), Options("choice", id="individual"), "binary"),
    "storms, nine classes": (public("storms.csv"), Options("status"), "multiclass"),
    "penguins, a number": (public("penguins.csv"), Options("body_mass_g"), "regression"),
    "zones, split by time": (generated.zones, Options("outcome", time="seen", gap_days=1), "multiclass"),
    **{
        write.__name__.replace("_", " "): (write, Options(target), task) for write, target, task in generated.TABLES
    },
}  # fmt: skip


@pytest.fixture
def repo(params: config.Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the project that `adopt` writes anew, and a package of its own name."""
    package = f"own_{tmp_path.name}"
    shutil.copytree(Path("src", params.package), tmp_path / "src" / package)
    for name in (
        *("params.yaml", "dvc.yaml", "README.md", "pyproject.toml"),
        *("environment.yaml", "requirements.txt", ".python-version"),
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(params.package, package), encoding="utf-8")
    (tmp_path / "data/raw").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "src")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def adopt(repo: Path, source: Path, options: Options) -> config.Params:
    """Do what the command does, in this process: decide, write, split."""
    before = config.load()
    plan = decide(source, options, SEED)
    raw = Path("data/raw", source.name)
    shutil.copytree(source, raw) if source.is_dir() else shutil.copyfile(source, raw)
    repo_files.write(repo, plan, before, raw, "Predict what the test is about")
    text = config.PARAMS.read_text(encoding="utf-8").replace("bootstrap: 1000", "bootstrap: 100")
    write_text(text, config.PARAMS)
    data.main()
    validate.main()
    params = config.load()
    if splits.needs_salt(params, plan.file.rows):
        salt = splits.choose_salt(read_parquet(config.DATASET), params)
        write_text(params_file.set_salt(text, salt), config.PARAMS)
    return config.load()


def finite(value: Any) -> bool:
    """Whether every number in nested mappings is finite; None stands for a metric that has no value in a slice."""
    if isinstance(value, dict):
        return all(finite(inner) for inner in value.values())
    return value is None or math.isfinite(value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("table", "options", "task"), CASES.values(), ids=CASES)
def test_a_table_goes_from_the_file_to_metrics(
    table: Callable[[Path], Path],
    options: Options,
    task: str,
    repo: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capfd: pytest.CaptureFixture[str],
) -> None:
    source = table(tmp_path_factory.mktemp("source"))

    params = adopt(repo, source, options)
    for stage in (featurize, train, evaluate):
        stage.main()

    assert params.task == task
    sides = {side: read_parquet(config.FEATURES / f"{side}.parquet") for side in SIDES}
    if task != "regression":
        classes = {side: set(frame[params.data.target].astype(str)) for side, frame in sides.items()}
        assert classes["train"] == classes["validation"] == classes["test"]
    if params.split.group:
        groups = [set(frame[params.split.group]) for frame in sides.values()]
        assert sum(map(len, groups)) == len(set().union(*groups))
    measured = {path.stem: json.loads(path.read_text()) for path in config.METRICS.glob("*.json")}
    assert {"train", "validation", "test", "trivial", "linear", "slices"} <= set(measured)
    assert finite(measured)
    assert set(measured["slices"]) == set(params.evaluate.slices)
    assert set(read_yaml(config.CONTRACT)["columns"]) == set(
        sides["test"].columns[: len(read_yaml(config.CONTRACT)["columns"])]
    )
    assert capfd.readouterr().err == ""


def test_hundreds_of_thousands_of_rows_are_decided() -> None:
    plan = decide(public("flights.csv")(Path()), Options("arr_delay"), SEED)

    assert plan.file.rows == 336_776
    assert plan.target.unlabelled == 9_430
    assert plan.target.task == "regression"


def test_the_catalogue_is_as_wide_as_it_says() -> None:
    tasks = pd.Series([task for _, _, task in CASES.values()]).value_counts()

    assert len(CASES) >= 12
    assert (tasks >= 4).all()
    assert set(tasks.index) == {"binary", "multiclass", "regression"}
