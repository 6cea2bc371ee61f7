"""How far a model's metrics move when it is trained again, and which change of them the test rows can show."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import trange

from lifecycle.core import metrics, predict
from lifecycle.core.config import Params
from lifecycle.core.metrics import Measure, MeasureOf
from lifecycle.gate.paired_bootstrap import changes_of
from lifecycle.pipeline.train import fit

REFITS = 5
TRAINING_ROWS = 50_000  # at most, of each refit
TEST_ROWS = 20_000  # at most, that are compared; the interval is scaled to all of them
RESAMPLES = 200
POWER = 1.43  # (1.96 + 0.84) / 1.96: from the half-width of a 95% interval to what is detected with 80% power


@dataclass(frozen=True)
class Spread:
    """Of one metric over the refits."""

    values: list[float]
    """On the test rows."""
    first: float
    """Of the model that was trained first."""
    detectable: float = 0.0
    """The smallest change that a paired comparison on the test rows detects with 80% power."""
    of_periods: float = 0.0
    """The standard deviation over the periods of a walk-forward evaluation, beyond chance."""

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0

    def loss(self, sign: int) -> float:
        """How much worse the refits are than the first model, on average; 0 if they are not."""
        return max(0.0, sign * (self.first - float(np.mean(self.values)))) if self.values else 0.0


def refitted_predictions(
    train: pd.DataFrame, test: pd.DataFrame, inputs: list[str], params: Params, refits: int = REFITS
) -> list[pd.DataFrame]:
    """Return what models predict that are trained again, each with another seed and a bootstrap resample of training rows.

    Args:
        train: training rows as `build_features` returns them, with id and target.
        test: test rows, likewise.
        inputs: the raw columns that the model is given.
        params: the estimator, and the seed from which the others are made.
        refits: how many.
    """
    predictions = []
    for number in trange(1, refits + 1, desc="refit", unit="model", delay=3, leave=False):
        of_refit = params.model_copy(update={"seed": (params.seed + number) % 2**32})
        model = fit(_resample(train, of_refit), inputs, of_refit)
        with predict.threads(len(test)):
            predictions.append(predict.predict(model, test, params))
    return predictions


def spreads(
    actual: pd.Series,
    first: pd.DataFrame,
    refitted: list[pd.DataFrame],
    params: Params,
    own: MeasureOf | None = None,
) -> dict[str, Spread]:
    """Return the spread of each metric over refits.

    Args:
        actual: the targets of the test rows.
        first: what the first model predicts for them.
        refitted: what each refit predicts.
        params: the task and the seed.
        own: the measure of the user's metrics.
    """
    rows = len(actual)
    of_first = metrics.measure(actual, first, params, own)
    measures = [metrics.measure(actual, predictions, params, own) for predictions in refitted]
    points = [metrics.point(measure, rows) for measure in measures]
    detectable = _detectable(actual, first, refitted, params, own)
    return {
        name: Spread([point[name] for point in points if name in point], value, detectable.get(name, 0.0))
        for name, value in metrics.point(of_first, rows).items()
    }


def _detectable(
    actual: pd.Series, first: pd.DataFrame, refitted: list[pd.DataFrame], params: Params, own: MeasureOf | None
) -> dict[str, float]:
    """The smallest detectable change of each metric: the median over refits."""
    generator = np.random.default_rng(params.seed)
    chosen = np.sort(generator.permutation(len(actual))[:TEST_ROWS])
    target, scale = actual.iloc[chosen], (len(chosen) / len(actual)) ** 0.5

    def measure(predictions: pd.DataFrame) -> Measure:
        return metrics.measure(target, predictions.iloc[chosen], params, own)

    of_first, widths = measure(first), dict[str, list[float]]()
    for predictions in refitted:
        changes = changes_of(of_first, measure(predictions), len(chosen), RESAMPLES, params.seed)
        for name, change in changes.items():
            widths.setdefault(name, []).append((change["high"] - change["low"]) / 2)
    return {name: POWER * scale * float(np.median(values)) for name, values in widths.items()}


def _resample(train: pd.DataFrame, params: Params) -> pd.DataFrame:
    """A bootstrap resample of rows, with a row of each class."""
    generator = np.random.default_rng(params.seed)
    positions = generator.integers(0, len(train), min(len(train), TRAINING_ROWS))
    if params.task != "regression":
        positions = np.append(positions, np.flatnonzero(~train[params.data.target].duplicated().to_numpy()))
    return train.iloc[positions].reset_index(drop=True)
