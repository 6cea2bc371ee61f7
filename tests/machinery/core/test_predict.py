import pandas as pd

from lifecycle.core.config import Params
from lifecycle.core.predict import predict
from lifecycle.pipeline.train import fit


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
