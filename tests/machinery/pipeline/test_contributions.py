"""What each column contributes to a prediction adds up, and is what theory says where theory can say it."""

import numpy as np
import pandas as pd
import pytest

from lifecycle.core.config import Params
from lifecycle.core.predict import predict
from lifecycle.pipeline import contributions as module
from lifecycle.pipeline.contributions import contributions
from lifecycle.pipeline.row_explanation import explained
from lifecycle.pipeline.train import fit

SEED = 7


def test_contributions_of_the_model_add_up_and_an_ignored_column_has_none(
    table: pd.DataFrame, features: pd.DataFrame, params: Params, inputs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_CELLS", 10_000)  # several batches
    model = fit(features, inputs, params)
    rows = table[inputs].head(31).assign(ignored=np.arange(31.0))

    result = contributions(lambda some: predict(model, some, params)["probability"].to_numpy(), rows, SEED)

    probability = predict(model, rows, params)["probability"]
    assert result.prediction == probability[0]
    assert sum(result.values.values()) == pytest.approx(result.prediction - probability[1:].mean(), abs=1e-12)
    assert result.values["ignored"] == result.errors["ignored"] == 0
    assert max(result.errors.values()) > 0


def test_of_a_sum_each_column_contributes_its_distance_from_the_mean() -> None:
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=["a", "b", "c"])

    result = contributions(lambda some: (2 * some["a"] - 3 * some["b"]).to_numpy(), rows, SEED)

    expected = {
        name: factor * (rows[name][0] - rows[name][1:].mean()) for name, factor in (("a", 2), ("b", -3), ("c", 0))
    }
    assert result.values == pytest.approx(expected, abs=1e-12)


def test_columns_that_only_matter_together_share_what_they_do_and_the_error_is_stated() -> None:
    rows = pd.DataFrame(np.random.default_rng(1).normal(size=(2001, 2)), columns=["a", "b"])
    rows.loc[0] = [1.5, 2.0]

    result = contributions(lambda some: (some["a"] * some["b"]).to_numpy(), rows, SEED)

    exact = 1.5 * 2.0 / 2  # of a background around zero
    for name in "ab":
        assert abs(result.values[name] - exact) < 4 * result.errors[name] < 0.2
    assert result.values == contributions(lambda some: (some["a"] * some["b"]).to_numpy(), rows, SEED).values


def test_a_wide_table_is_compared_with_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CELLS", 2 * 10 * 11 * 20)
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(101, 10)))

    assert contributions(lambda some: some[0].to_numpy(), rows, SEED).background == 20


def test_the_table_lists_the_largest_contributions_and_their_sum(params: Params) -> None:
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 12)), columns=[f"c{n}" for n in range(12)])
    params = params.model_copy(update={"task": "regression"})
    weights = np.arange(12)

    text = explained("id 1", rows, lambda some: pd.DataFrame({"prediction": 100 + some @ weights}), params)

    head, _, names, *lines = text.splitlines()
    predicted, mean = 100 + rows.iloc[0] @ weights, 100 + (rows.iloc[1:] @ weights).mean()
    assert (
        head
        == f"id 1: predicted churn {predicted:.4g}, {predicted - mean:+.4g} from {mean:.4g}, the mean of 19 test rows"
    )
    assert names.split() == ["column", "value", "contributes", "±"]
    assert [line.split()[0] for line in lines[-2:]] == ["2", "sum"]
    assert float(lines[-1].split()[1]) == pytest.approx(predicted - mean, rel=1e-3)
    shares = [abs(float(line.split()[2])) for line in lines[:10]]
    assert shares == sorted(shares, reverse=True)
