"""The estimator that params.yaml names: trained with its parameters, saved, loaded, and scored with."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import model_file
from lifecycle.core.config import Params
from lifecycle.core.predict import predict
from lifecycle.pipeline.featurize import with_features
from lifecycle.pipeline.train import fit

ROWS = 300


@pytest.fixture(scope="module")
def rows(dataset: pd.DataFrame, params: Params) -> pd.DataFrame:
    """A few hundred rows, of a classification with every class among them."""
    if params.task == "regression":
        return dataset.sample(min(len(dataset), ROWS), random_state=params.seed)
    classes = dataset.groupby(params.data.target, observed=True)
    return classes.head(max(ROWS // classes.ngroups, 10))


def test_the_estimator_predicts_the_same_alone_and_in_a_batch_and_after_it_was_saved(
    rows: pd.DataFrame, params: Params, tmp_path: Path
) -> None:
    inputs = params.data.inputs(rows)

    fitted = fit(with_features(rows, params), inputs, params)

    predictions = predict(fitted, rows[inputs], params)
    assert len(predictions) == len(rows)
    assert np.isfinite(predictions.select_dtypes("number")).all(axis=None)
    model_file.save(fitted, tmp_path / "model.skops", params.package)
    loaded = model_file.load(tmp_path / "model.skops", params.package)
    pd.testing.assert_frame_equal(predict(loaded, rows[inputs], params), predictions, check_exact=True)
    for size in (1, 7):
        starts = range(0, 2 * size, size)
        batches = [predict(loaded, rows[inputs].iloc[start : start + size], params) for start in starts]
        pd.testing.assert_frame_equal(pd.concat(batches), predictions.head(2 * size), check_exact=True)
