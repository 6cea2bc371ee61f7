"""A rule that chooses the decision threshold, through the pipeline."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import metrics, model_file
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.core.predict import predict, threshold
from lifecycle.core.threshold_rule import Rule
from lifecycle.pipeline import decision
from lifecycle.pipeline.baselines import figures, predictions_of_baselines
from lifecycle.pipeline.train import fit


def with_rule(params: Params, **rule: object) -> Params:
    train = params.train.model_copy(update={"threshold": Rule.checked(rule, "rule"), "parameters": {"max_iter": 20}})
    return params.model_copy(update={"train": train})


def test_the_threshold_goes_with_the_model_and_decides_its_labels(
    features: pd.DataFrame, inputs: list[str], params: Params, tmp_path: Path
) -> None:
    params, validation = with_rule(params, recall=0.9), features.tail(700)
    model = fit(features.head(800), inputs, params)
    target = validation[params.data.target]

    decision.decide(model, validation, target, params)
    model_file.save(model, tmp_path / "model.skops", params.package)

    loaded = model_file.load(tmp_path / "model.skops", params.package)
    predictions = predict(loaded, validation, params)
    positive = target == params.data.positive
    labelled = predictions["prediction"] == params.data.positive
    assert 0 < threshold(loaded, params) < 0.5 == params.evaluate.threshold
    assert ((predictions["probability"] >= threshold(loaded, params)) == labelled).all()
    assert (labelled & positive).sum() / positive.sum() >= 0.9
    # The metrics are those of these labels, and the interval is around the threshold.
    assert metrics.point(metrics.measure(target, predictions, params), len(target))["accuracy"] == pytest.approx(
        np.mean(labelled == positive), abs=1e-6
    )
    (interval,) = decision.intervals(target, predictions, params).values()
    assert interval["low"] <= threshold(loaded, params) <= interval["high"]
    assert interval["low"] < interval["high"]


def test_a_rule_that_cannot_be_satisfied_is_refused(features: pd.DataFrame, inputs: list[str], params: Params) -> None:
    params = with_rule(params, precision=0.999)
    model = fit(features, inputs, params)
    opposite = features[params.data.target].map({"Yes": "No", "No": "Yes"})

    with pytest.raises(DataError, match=r"no threshold gives a precision of at least 0\.999 on 1,500 rows"):
        decision.decide(model, features, opposite, params)


def test_the_baselines_are_labelled_by_the_same_rule(features: pd.DataFrame, params: Params) -> None:
    without, with_f1 = (
        figures(predictions_of_baselines(features, features, chosen)[0], features, chosen)
        for chosen in (params, with_rule(params, best_f1=True))
    )

    share = (features[params.data.target] == params.data.positive).mean()
    assert without["trivial"]["f1"] == 0
    assert with_f1["trivial"]["f1"] == pytest.approx(
        2 * share / (1 + share), abs=1e-6
    )  # every row is labelled positive
    assert with_f1["linear"]["f1"] > without["linear"]["f1"]
