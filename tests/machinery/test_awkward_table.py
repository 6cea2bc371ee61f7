"""A table as people have them goes through the stages, and its rows are served and scored in bulk with the same predictions."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from lifecycle.batch.score_rows import RowScorer
from lifecycle.batch.table_reader import TableReader
from lifecycle.core import config, contract
from lifecycle.core.files import read_parquet
from lifecycle.core.row_model import record_model
from lifecycle.core.scoring import Scoring
from lifecycle.pipeline import data, evaluate, featurize, train, validate
from lifecycle.serving.simulate import held_out

PACKAGE = "awkward_table"
ROWS = 600
COLUMNS: dict[str, dict[str, Any]] = {
    "row_id": {"dtype": "str", "unique": True},
    "50 % of.it": {"dtype": "float64", "greater_than_or_equal_to": 0},
    "1e3": {"dtype": "Int64", "nullable": True},
    'say "hi"': {"dtype": "category", "isin": ["None", "No", "1E5", "ä;b"]},
    "size": {"dtype": "boolean", "nullable": True},
    "index": {"dtype": "datetime64[ns, UTC]"},
    "__index_level_0__": {"dtype": "str"},
    "self": {"dtype": "datetime64[ns]"},
    "empty": {"dtype": "float64", "nullable": True},
    "Ziel wert": {},
}
TARGETS = {"binary": {"dtype": "boolean"}, "multiclass": {"dtype": "category"}, "regression": {"dtype": "float64"}}


def table(task: str) -> pd.DataFrame:
    """The file's columns as texts."""
    random = np.random.default_rng(1)
    signal = random.normal(size=ROWS)
    whole = [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in 1000 * np.exp(signal)]
    targets = {
        "binary": np.where(signal > 0.3, "true", "false"),
        "multiclass": np.select([signal > 0.5, signal > -0.3], ["probability_a.b", "c d"], "prediction"),
        "regression": [f"{value:.4f}".replace(".", ",") for value in signal],
    }
    frame = pd.DataFrame(
        {
            "50 % of.it": [f"{value} €" for value in whole],
            "1e3": random.choice(["?", "1", "2"], ROWS),
            'say "hi"': random.choice(["None", "No", "1E5", "ä;b"], ROWS),
            "size": random.choice(["true", "false", ""], ROWS),
            "index": pd.date_range("2024-01-01", periods=ROWS, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "__index_level_0__": [f"{number % 500:06d}" for number in range(ROWS)],
            "self": pd.date_range("2024-01-01", periods=ROWS).strftime("%d.%m.%Y"),
            "empty": "",
            "Ziel wert": targets[task],
        }
    )
    frame.loc[:9, "Ziel wert"] = ""
    return pd.concat([frame, frame.iloc[100:110]])


@pytest.fixture(
    params=[
        ("binary", "sklearn.ensemble.HistGradientBoostingClassifier"),
        ("multiclass", "sklearn.linear_model.LogisticRegression"),
        ("regression", "sklearn.linear_model.Ridge"),
    ]
)
def repo(
    request: pytest.FixtureRequest, params: config.Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder with the table, its params.yaml and its contract.yaml, after the stages up to `evaluate`."""
    task, estimator = request.param
    own = tmp_path / "src" / f"{PACKAGE}_{task}"
    shutil.copytree(Path("src", params.package), own, ignore=shutil.ignore_patterns("__pycache__"))
    (own / "features.py").write_text("def build_features(frame):\n    return frame\n")
    for name in ("environment.yaml", "requirements.txt", ".python-version"):
        shutil.copyfile(name, tmp_path / name)
    monkeypatch.syspath_prepend(own.parent)
    monkeypatch.chdir(tmp_path)
    Path("data/raw").mkdir(parents=True)
    table(task).to_csv("data/raw/table.csv", sep=";", index=False, encoding="utf-16")
    names = [name for name in COLUMNS if name not in ("row_id", "Ziel wert")]
    settings = {
        "package": own.name, "task": task, "seed": 1,
        "data": {
            "raw": "data/raw/table.csv", "id": "row_id", "id_from": names, "target": "Ziel wert", "unlabelled": True,
            "csv": {"separator": ";", "encoding": "utf-16", "decimal": ",", "nulls": ["", "?"]},
            "formats": {"50 % of.it": {"strip": "€", "thousands": ".", "decimal": ","}, "self": "%d.%m.%Y"},
            "positive": True if task == "binary" else None, "exclude": ["__index_level_0__", "empty"],
        },
        "split": {
            "validation": 0.2, "test": 0.2, "salt": 3, "group": "__index_level_0__" if task == "binary" else None,
            "time": {"column": "index", "validation_from": "2024-01-15", "test_from": "2024-01-20", "gap_days": 1}
            if task == "regression" else None,
        },
        "train": {"estimator": estimator}, "evaluate": {"bootstrap": 100, "slices": ['say "hi"', "size"]},
        "track": {"experiment": "x", "tracking_uri": "sqlite:///x.db"},
    }  # fmt: skip
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(settings, Path("params.yaml"))
    yaml.dump({"strict": True, "columns": COLUMNS | {"Ziel wert": TARGETS[task]}}, Path("contract.yaml"))
    assert "left out 10 without a target, dropped 0 repeated" in data.main()
    for stage in (validate, featurize, train, evaluate):
        stage.main()
    for file in (config.PARAMS, config.CONTRACT):
        shutil.copy(file, config.MODEL.parent)
    return config.MODEL.parent


def test_rows_are_served_and_scored_with_the_predictions_of_evaluate(repo: Path) -> None:
    params = config.load()
    expected = read_parquet(config.PREDICTIONS).set_index("row_id")
    numbers = [name for name in expected if name.startswith("prob")] or ["prediction"]
    expected.index = pd.Index([name.partition("-")[0] for name in expected.index])

    # Served: the row model takes the test rows, also without id and excluded columns.
    row_model = record_model(contract.load(config.CONTRACT, params.package), params)
    records, _ = held_out(params, {})
    bodies = [{name: value for name, value in record.items() if name not in params.data.exclude} for record in records]
    rows = [row_model.model_validate_json(json.dumps(body)).model_dump(mode="json", by_alias=True) for body in bodies]
    answers = Scoring(repo).answers(rows)

    # Scored in bulk: from the file as it is.
    scorer = RowScorer(repo, is_text=True)
    reader = TableReader(str(params.data.raw), [], params.data.csv)
    frames = reader.batches([*scorer.columns, *scorer.optional_columns], [], 1000)
    batches = [scorer.score(frame) for frame in frames]
    scores = pd.concat([batch.scores for batch in batches]).drop_duplicates("row_id").set_index("row_id")

    assert all(batch.quarantine.empty for batch in batches)
    assert sum(len(batch.scores) for batch in batches) == ROWS + 10
    np.testing.assert_array_equal(scores.loc[expected.index, numbers].to_numpy(), expected[numbers].to_numpy())
    if params.task == "multiclass":
        served = [
            [answer["probabilities"][name.removeprefix("probability_")] for name in numbers] for answer in answers
        ]
    else:
        served = [[answer[name] for name in numbers] for answer in answers]
    np.testing.assert_array_equal(np.array(served), expected[numbers].to_numpy())
