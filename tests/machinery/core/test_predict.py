import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from telco_churn.features import build_features
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from lifecycle.core import model_file
from lifecycle.core import predict as model
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.pipeline.train import fit

TASKS = {"binary": "churn", "multiclass": "contract", "regression": "monthly_charges"}
CASES = [
    (task, name)
    for task in TASKS
    for name in model.ESTIMATORS["regression" if task == "regression" else "classification"]
]


def with_task(params: Params, task: str, estimator: str) -> Params:
    small = {"random_forest": {"n_estimators": 10, "min_samples_leaf": 5}, "hist_gradient_boosting": {"max_iter": 20}}
    settings = {"estimator": estimator, **small}
    return params.model_copy(
        update={
            "task": task,
            "data": params.data.model_copy(update={"target": TASKS[task]}),
            "train": params.train.model_copy(update=settings),
        }
    )


@pytest.mark.parametrize(("task", "estimator"), CASES)
def test_a_saved_model_answers_raw_rows_as_the_fitted_one_answered_features(
    table: pd.DataFrame, params: Params, tmp_path: Path, task: str, estimator: str
) -> None:
    chosen = with_task(params, task, estimator)
    inputs = [str(name) for name in table if name not in (chosen.data.id, chosen.data.target)]
    features = build_features(table)
    fitted = fit(features, inputs, chosen)
    model_file.save(fitted, tmp_path / "model.skops")

    loaded = model_file.load(tmp_path / "model.skops")

    without_function = fitted[1:]
    expected = without_function.predict(features) if task == "regression" else without_function.predict_proba(features)
    served = model.predict(loaded, table[inputs], chosen)
    answered = served["prediction"] if task == "regression" else served.filter(regex="^probability")
    if task == "binary":
        expected = expected[:, [list(fitted.classes_).index(params.data.positive)]]
    np.testing.assert_array_equal(answered.to_numpy(), expected)
    for rows, of in ((1, 16), (2, 16), (7, 70), (64, 130)):  # alone or in company: the same, bit for bit
        parts = [
            model.predict(loaded, table[inputs].iloc[start : start + rows], chosen) for start in range(0, of, rows)
        ]
        together = pd.concat(parts).head(of)
        pd.testing.assert_frame_equal(together, served.head(of), check_exact=True, check_categorical=False)


@pytest.mark.parametrize(("task", "estimator"), CASES)
def test_equal_models_are_equal_bytes(
    table: pd.DataFrame, params: Params, tmp_path: Path, task: str, estimator: str
) -> None:
    chosen = with_task(params, task, estimator)
    inputs = [str(name) for name in table if name not in (chosen.data.id, chosen.data.target)]

    for name in ("one", "two"):
        model_file.save(fit(build_features(table), inputs, chosen), tmp_path / name)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_trees_get_the_codes_and_numbers_that_scikit_learn_would_give_them() -> None:
    known = {"size": ["large", "small"], "kind": ["a", "b"]}
    frame = pd.DataFrame(
        {
            "kind": pd.Categorical(["b", None, "a", "b"], categories=["b", "c", "a"]),
            "size": pd.Series(["small", "large", None, "huge"], dtype=object),
            "count": pd.array([1, None, 3, 4], dtype="Int64"),
            "open": [True, False, True, True],
            "price": [0.5, np.nan, 2.5, 3.5],
        }
    )

    found = model.Codes(known, ["count", "open", "price"]).transform(frame)

    encoder = OrdinalEncoder(
        categories=list(known.values()),
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
    )
    codes = encoder.fit(frame[list(known)].astype(object)).transform(frame[list(known)].astype(object))
    np.testing.assert_array_equal(found[:, :2], codes)
    np.testing.assert_array_equal(found[:, 2:], [[1, 1, 0.5], [np.nan, 0, np.nan], [3, 1, 2.5], [4, 1, 3.5]])


def test_the_threshold_decides_the_label(table: pd.DataFrame, inputs: list[str], params: Params) -> None:
    fitted = fit(build_features(table), inputs, params)
    labels = []
    for threshold in (0.3, 0.7):
        chosen = params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"threshold": threshold})})
        answers = model.predict(fitted, table, chosen)
        labels.append(answers["prediction"] == "Yes")
        assert ((answers["probability"] >= threshold) == labels[-1]).all()

    assert labels[0].sum() > labels[1].sum()


def test_the_model_in_params_survives_saving_and_takes_raw_rows(
    table: pd.DataFrame, inputs: list[str], params: Params, tmp_path: Path
) -> None:
    fitted = fit(build_features(table), inputs, params)
    model_file.save(fitted, tmp_path / "model.skops")

    answers = model.predict(model_file.load(tmp_path / "model.skops"), table[inputs], params)

    pd.testing.assert_frame_equal(answers, model.predict(fitted, build_features(table), params))


@pytest.mark.parametrize(
    ("estimator", "settings", "complaint"),
    [
        ("hist_gradient_boosting", {"learning_rat": 0.1}, "Invalid parameter 'learning_rat'"),
        ("hist_gradient_boosting", {"learning_rate": -1}, "'learning_rate' parameter"),
        ("logistic_regression", {"C": "big"}, "'C' parameter"),
        ("ridge", {}, "ridge does not do binary: choose from hist_gradient_boosting"),
    ],
)
def test_settings_that_scikit_learn_refuses_are_refused_before_training(
    params: Params, estimator: str, settings: dict, complaint: str
) -> None:
    train = params.train.model_copy(update={"estimator": estimator, estimator: settings})

    with pytest.raises(ConfigError) as error:
        model.make_estimator("binary", train, 1)

    assert complaint in str(error.value)


def test_settings_that_do_not_go_together_are_a_persons_mistake(
    table: pd.DataFrame, inputs: list[str], params: Params
) -> None:
    train = params.train.model_copy(
        update={"random_forest": {"max_samples": 0.5, "bootstrap": False}, "estimator": "random_forest"}
    )

    with pytest.raises(ConfigError, match=r"train\.random_forest: "):
        fit(build_features(table), inputs, params.model_copy(update={"train": train}))


def test_early_stopping_by_a_score_can_be_saved(
    table: pd.DataFrame, inputs: list[str], params: Params, tmp_path: Path
) -> None:
    settings = {"max_iter": 5, "early_stopping": True, "scoring": "roc_auc"}
    train = params.train.model_copy(update={"hist_gradient_boosting": settings, "estimator": "hist_gradient_boosting"})

    model_file.save(
        fit(build_features(table), inputs, params.model_copy(update={"train": train})), tmp_path / "model.skops"
    )

    assert model_file.load(tmp_path / "model.skops")


def test_a_model_file_with_a_type_nobody_vouched_for_is_not_loaded(tmp_path: Path) -> None:
    skops.io.dump(make_pipeline(FunctionTransformer(json.dumps)), tmp_path / "model.skops")

    with pytest.raises(DataError, match=r"json\.dumps"):
        model_file.load(tmp_path / "model.skops")


@pytest.mark.parametrize("content", [pickle.dumps({}), b"", b"PK\x03\x04 not an archive"])
def test_a_damaged_model_file_or_a_pickle_is_not_loaded(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)

    with pytest.raises(DataError, match="not a model this project trusts"):
        model_file.load(path)


def test_a_model_file_carries_no_time(table: pd.DataFrame, inputs: list[str], params: Params, tmp_path: Path) -> None:
    model_file.save(fit(build_features(table), inputs, params), tmp_path / "model.skops")

    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
