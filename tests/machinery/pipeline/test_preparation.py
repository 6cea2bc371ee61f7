"""Models whose inputs are texts, dates and categories of many values."""

import copy
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import TargetEncoder

from lifecycle.core import model_file, user_code
from lifecycle.core.config import Params
from lifecycle.core.predict import predict
from lifecycle.core.preparation import fitted_matrix
from lifecycle.core.records import to_frame, to_records
from lifecycle.pipeline.importance import column_importance
from lifecycle.pipeline.train import fit

ROWS = 900
CONTRACT: dict[str, dict[str, Any]] = {
    "review": {"dtype": "str"},
    "signed_up": {"dtype": "datetime64[ns]"},
    "seen": {"dtype": "datetime64[ns, UTC]"},
    "shop": {"dtype": "str"},
    "plan": {"dtype": "category", "isin": ["basic", "full"]},
    "price": {"dtype": "float64"},
}
TARGETS = {"binary": ["No", "Yes"], "multiclass": ["a", "b", "c"], "regression": [1, 2, 9]}
CASES = [
    ("binary", "sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 20}),
    ("binary", "sklearn.linear_model.LogisticRegression", {"max_iter": 300}),
    ("multiclass", "sklearn.ensemble.RandomForestClassifier", {"n_estimators": 10}),
    ("multiclass", "sklearn.svm.SVC", {"probability": True}),
    ("regression", "sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": 20}),
    ("regression", "sklearn.linear_model.Ridge", {}),
]

pytestmark = pytest.mark.filterwarnings("ignore")


def rows(task: str) -> pd.DataFrame:
    """Rows whose review has a word for each target."""
    generator = np.random.default_rng(0)
    targets = generator.choice(len(TARGETS[task]), ROWS)
    days = pd.Timedelta(days=1) * generator.integers(1000, size=ROWS)
    frame = pd.DataFrame(
        {
            "id": range(ROWS),
            "review": [f"came after {n} days, {['bad', 'fair', 'good'][t]}" for n, t in enumerate(targets)],
            "signed_up": pd.Timestamp("2023-01-01") + days,
            "seen": pd.Timestamp("2026-01-01T08:30", tz="UTC") + days,
            "shop": [f"shop{number}" for number in generator.integers(300, size=ROWS)],
            "plan": pd.Categorical(generator.choice(["basic", "full"], ROWS)),
            "price": generator.normal(size=ROWS),
            "target": np.array(TARGETS[task])[targets],
        }
    )
    gaps = {"review": frame.index % 7 == 0, "signed_up": frame.index % 5 == 0, "shop": frame.index % 9 == 0}
    for name, missing in gaps.items():
        frame[name] = frame[name].where(~missing)
    return frame


@pytest.mark.parametrize(("task", "estimator", "settings"), CASES)
def test_texts_dates_and_many_categories_are_saved_served_and_predicted_row_by_row(
    params: Params, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, task: str, estimator: str, settings: dict[str, Any]
) -> None:
    monkeypatch.setattr(user_code.load(params.package, "features"), "build_features", copy.copy)
    frame, params = rows(task), of_task(params, task, estimator, settings)
    path = tmp_path / "model.skops"

    model_file.save(fit(frame, list(CONTRACT), params), path, params.package)
    first = path.read_bytes()
    model_file.save(fit(frame, list(CONTRACT), params), path, params.package)
    model = model_file.load(path, params.package)
    together = predict(model, frame, params)

    assert path.read_bytes() == first
    assert b"_stop_words_id" not in zipfile.ZipFile(path).read("schema.json")  # an address in memory
    served = to_frame(to_records(frame, CONTRACT), CONTRACT)  # as a server reads the rows, from JSON
    pd.testing.assert_frame_equal(predict(model, served, params), together, check_exact=True)
    alone = [predict(model, served.iloc[[row]], params) for row in range(20)]
    pd.testing.assert_frame_equal(pd.concat(alone), together.head(20), check_exact=True)
    importance = column_importance(lambda some: predict(model, some, params), list(CONTRACT), frame, params)
    assert max(importance, key=lambda name: importance[name]) == "review"


@pytest.mark.parametrize(("task", "estimator", "settings"), CASES[:2])
def test_every_column_that_the_estimator_is_given_has_a_name(
    params: Params, task: str, estimator: str, settings: dict[str, Any]
) -> None:
    frame, params = rows(task), of_task(params, task, estimator, settings)

    model = fit(frame, list(CONTRACT), params)

    names = model["prepare"].get_feature_names_out().tolist()
    assert len(names) == model["estimator"].n_features_in_
    assert {"dates__signed_up age", "dates__seen hour"} <= {*names}
    assert any(name.startswith("terms of review__review ") for name in names)


def of_task(params: Params, task: str, estimator: str, settings: dict[str, Any]) -> Params:
    names = {"id": "id", "target": "target", "positive": "Yes" if task == "binary" else None, "exclude": []}
    data = params.data.model_copy(update=names)
    train = params.train.model_copy(update={"estimator": estimator, "parameters": settings})
    return params.model_copy(update={"task": task, "data": data, "train": train})


def test_the_target_of_a_row_is_not_in_what_is_learned_from_it() -> None:
    generator = np.random.default_rng(0)
    target = generator.integers(2, size=ROWS)
    features = pd.DataFrame({"shop": [f"shop{number}" for number in range(ROWS)]})  # each row has one of its own

    matrix = fitted_matrix(TargetEncoder(), features, target, seed=1)

    assert LogisticRegression().fit(matrix, target).score(matrix, target) < 0.6
    assert np.array_equal(matrix, fitted_matrix(TargetEncoder(), features, target, seed=1))
    in_sample = TargetEncoder(smooth=0).fit(features, target)
    assert np.array_equal(fitted_matrix(in_sample, features, target, seed=1)[:, 0], target)  # fitted: only applied
