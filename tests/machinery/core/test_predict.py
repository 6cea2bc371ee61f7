from typing import Any

import pandas as pd
import pytest

from lifecycle.core.config import Params
from lifecycle.core.metrics import measure, point
from lifecycle.core.predict import outcome, predict
from lifecycle.core.predict_response import responses
from lifecycle.pipeline.train import fit
from lifecycle.pipeline.validate import check_target


def test_the_threshold_decides_the_label(
    table: pd.DataFrame, features: pd.DataFrame, inputs: list[str], params: Params
) -> None:
    fitted = fit(features, inputs, params)
    labels = []
    for threshold in (0.3, 0.7):
        evaluate = params.evaluate.model_copy(update={"threshold": threshold})
        predictions = predict(fitted, table, params.model_copy(update={"evaluate": evaluate}))
        labels.append(predictions["prediction"] == params.data.positive)
        assert ((predictions["probability"] >= threshold) == labels[-1]).all()

    assert labels[0].sum() > labels[1].sum()


@pytest.mark.parametrize(
    ("dtype", "classes", "positive"),
    [
        ("bool", [False, True], True),
        ("boolean", [False, True], True),
        ("int64", [0, 1], 1),
        ("Int64", [1, 2], 2),
        ("float64", [0.0, 1.0], 1),
        ("category", ["True", "False"], True),
        ("str", ["probability_a.b", "c d"], "probability_a.b"),
    ],
)
def test_a_target_of_any_type_has_a_positive_class(
    table: pd.DataFrame,
    features: pd.DataFrame,
    inputs: list[str],
    params: Params,
    dtype: str,
    classes: list,
    positive: Any,
) -> None:
    target = pd.Series([classes[value == "Yes"] for value in features["churn"]], dtype=dtype)
    data = params.data.model_copy(update={"positive": positive})
    params = params.model_copy(update={"data": data})
    frame = features.assign(churn=target)

    model = fit(frame, inputs, params)
    predictions = predict(model, table, params)
    metrics = point(measure(frame["churn"], predictions, params), len(frame))

    assert check_target(frame, params)[0]["passed"]
    sign = 1 if positive == classes[1] else -1
    assert metrics["roc_auc"] > 0.8
    assert sign * predictions["probability"].corr(features["tenure"]) < 0  # who stays longer is less likely to leave
    answers = responses(outcome(model, table, params), params)
    assert [answer["label"] for answer in answers] == predictions["prediction"].tolist()
    assert [answer["probability"] for answer in answers] == predictions["probability"].tolist()
    assert {str(answer["label"]) for answer in answers} == {str(name) for name in classes}


@pytest.mark.parametrize(
    ("dtype", "classes"),
    [("int64", [1, 2, 10]), ("float64", [1.0, 2.0, 3.0]), ("str", ["probability_a.b", "c d", "prediction"])],
)
def test_classes_may_have_any_names(
    table: pd.DataFrame, features: pd.DataFrame, inputs: list[str], params: Params, dtype: str, classes: list
) -> None:
    names = dict(zip(features["contract"].cat.categories, classes, strict=True))
    frame = features.assign(churn=features["contract"].astype(object).map(names).astype(dtype))
    params = params.model_copy(update={"task": "multiclass"})

    model = fit(frame, inputs, params)
    predictions = predict(model, table, params)

    assert point(measure(frame["churn"], predictions, params), len(frame))["accuracy"] > 0.9
    response = responses(outcome(model, table, params), params)[0]
    assert response["label"] == predictions["prediction"].iloc[0]
    assert response["probabilities"] == {
        str(name): predictions[f"probability_{name}"].iloc[0] for name in model.classes_
    }
