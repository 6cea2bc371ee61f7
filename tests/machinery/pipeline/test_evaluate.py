import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from lifecycle.core import metrics
from lifecycle.core.config import Params
from lifecycle.core.predict import predict
from lifecycle.pipeline.evaluate import curves, slice_metrics
from lifecycle.pipeline.importance import column_importance
from lifecycle.pipeline.train import fit


@pytest.fixture(
    params=[("binary", "churn"), ("multiclass", "contract"), ("regression", "monthly_charges")],
    ids=lambda case: case[0],
)
def chosen(request: pytest.FixtureRequest, params: Params) -> Params:
    task, target = request.param
    estimator = f"sklearn.ensemble.HistGradientBoosting{'Regressor' if task == 'regression' else 'Classifier'}"
    data = params.data.model_copy(update={"target": target})
    return params.model_copy(
        update={"task": task, "data": data, "train": params.train.model_copy(update={"estimator": estimator})}
    )


@pytest.fixture
def case(table: pd.DataFrame, features: pd.DataFrame, chosen: Params) -> tuple[Pipeline, pd.DataFrame, pd.DataFrame]:
    inputs = [str(name) for name in table if name not in (chosen.data.id, chosen.data.target)]
    fitted = fit(features, inputs, chosen)
    return fitted, features, predict(fitted, features, chosen)


def test_every_task_has_finite_metrics_plots_and_importances(case, chosen: Params) -> None:
    fitted, frame, predictions = case

    values = metrics.point(metrics.measure(frame[chosen.data.target], predictions, chosen), len(frame))
    drawn = curves(frame[chosen.data.target], predictions, chosen)
    importances = column_importance(
        partial(predict, fitted, params=chosen), list(fitted.feature_names_in_), frame, chosen
    )

    classification = {"roc_auc", "average_precision", "log_loss", "brier", "f1", "accuracy", "miscalibration"}
    assert set(values) == ({"mae", "rmse", "r2", "miscalibration"} if chosen.task == "regression" else classification)
    assert values["r2" if chosen.task == "regression" else "roc_auc"] > 0.7
    assert {"calibration", "distribution"} <= set(drawn)
    assert ("roc" in drawn) == (chosen.task != "regression")
    assert all(points for points in drawn.values())
    json.dumps(drawn, allow_nan=False)
    assert set(importances) == set(fitted.feature_names_in_)
    assert max(importances.values()) > 0


def test_slices_cover_every_row_once(case, chosen: Params) -> None:
    _, frame, predictions = case
    sliced = chosen.model_copy(
        update={"evaluate": chosen.evaluate.model_copy(update={"slices": ["payment_method", "partner"]})}
    )

    slices = slice_metrics(frame, predictions, sliced)

    assert set(slices["partner"]) == {"0", "1"}
    for values in slices.values():
        assert sum(part["rows"] for part in values.values()) == len(frame)


def test_confusion_counts_every_row(case, chosen: Params) -> None:
    _, frame, predictions = case
    if chosen.task == "regression":
        assert "confusion" not in curves(frame[chosen.data.target], predictions, chosen)
        return
    points = curves(frame[chosen.data.target], predictions, chosen)["confusion"]

    assert sum(point["rows"] for point in points) == len(frame)
    right = sum(point["rows"] for point in points if point["actual"] == point["predicted"])
    assert right == (frame[chosen.data.target].astype(str) == predictions["prediction"].astype(str)).sum()


def test_many_classes_with_odd_names_of_which_the_rows_lack_some(params: Params) -> None:
    classes = [f"class {i}. of 30%" for i in range(30)]
    data = params.data.model_copy(update={"id": "key", "target": "y", "positive": None})
    chosen = params.model_copy(update={"task": "multiclass", "data": data})
    generator = np.random.default_rng(0)
    actual = pd.Series(pd.Categorical(generator.choice(classes[5:], 200), categories=classes), name="y")
    probabilities = generator.dirichlet(np.ones(30), 200)
    predictions = pd.DataFrame(probabilities, columns=[f"probability_{name}" for name in classes])
    labels = pd.Categorical.from_codes(probabilities.argmax(axis=1), categories=pd.Index(classes))
    predictions.insert(0, "prediction", labels)
    frame = pd.DataFrame({"y": actual, "a slice": generator.choice(["p q", "r.s"], 200)})
    chosen = chosen.model_copy(update={"evaluate": chosen.evaluate.model_copy(update={"slices": ["a slice"]})})

    measure = metrics.measure(actual, predictions, chosen)
    values = metrics.point(measure, 200)
    slices = slice_metrics(frame, predictions, chosen)
    drawn = curves(actual, predictions, chosen)

    assert set(values) == {"roc_auc", "average_precision", "log_loss", "brier", "f1", "accuracy", "miscalibration"}
    assert set(metrics.intervals(measure, 200, 100, 1)) == set(values)
    assert "roc_auc" in slices["a slice"]["p q"]
    json.dumps(drawn, allow_nan=False)
    assert all(drawn.values())
    assert curves(actual[:1], predictions[:1], chosen)["calibration"]


def test_importance_needs_no_row_of_every_class(table: pd.DataFrame, features: pd.DataFrame, params: Params) -> None:
    data = params.data.model_copy(update={"target": "contract"})
    chosen = params.model_copy(update={"task": "multiclass", "data": data})
    fitted = fit(features, [name for name in table if name not in (data.id, "contract")], chosen)

    importances = column_importance(
        partial(predict, fitted, params=chosen),
        list(fitted.feature_names_in_),
        features[features["contract"] != "Two year"],
        chosen,
    )

    assert max(importances.values()) > 0
