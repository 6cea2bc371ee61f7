"""Two models to compare with on the test rows: one that ignores the features, and a linear one."""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.utils import gen_batches

from lifecycle.core import config, metrics, predict, user_code
from lifecycle.core.config import Params
from lifecycle.core.metrics import MeasureOf
from lifecycle.core.preparation import fitted_matrix
from lifecycle.pipeline.decision import decide

ROWS = 50_000  # training rows, at most, of the linear model
CELLS = 40_000_000  # and of its matrix, times the number of classes
FEW_ROWS = 1000  # that it is trained on however wide the matrix is
MOST_CELLS = 200_000_000  # of a matrix of so few rows, above which it is not trained at all
TEST_ROWS = 8192  # predicted at a time: the matrix may be wide
ITERATIONS = 300


def predictions_of_baselines(
    train: pd.DataFrame, test: pd.DataFrame, params: Params
) -> tuple[dict[str, pd.DataFrame], str]:
    """Return what the baselines predict for the test rows, by name, and why there is nothing of the linear one, if so.

    The trivial model predicts the share of each class (regression: the mean) in all training rows. The linear one is a
    LogisticRegression (regression: Ridge) with the user's preparation, fitted on a seeded sample of them. If a rule chooses the
    threshold, it chooses theirs on the rows that they are fitted on.

    Args:
        train: training rows as `build_features` returns them, with id and target.
        test: test rows, likewise; their target is not needed.
        params: the task, the seed, and which columns are features.
    """
    regression = params.task == "regression"
    trivial = DummyRegressor() if regression else DummyClassifier(strategy="prior")
    of_both = {"trivial": _predictions(_fitted(trivial, train, params), test, params)}
    linear = Ridge() if regression else LogisticRegression(max_iter=ITERATIONS)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # one that does not converge is still a baseline
            of_both["linear"] = _predictions(_fitted_with_preparation(linear, train, params), test, params)
    except Exception as error:  # whatever the data or the user's preparation does to it: the model itself is evaluated
        return of_both, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return of_both, ""


def figures(
    predictions: dict[str, pd.DataFrame], test: pd.DataFrame, params: Params, own: MeasureOf | None = None
) -> dict[str, dict[str, float]]:
    """Return `trivial` and `linear` → metric → value on the test rows; of one without predictions there are none."""
    measured = {
        name: metrics.point(metrics.measure(test[params.data.target], of_baseline, params, own), len(test))
        for name, of_baseline in predictions.items()
    }
    return {name: measured.get(name, {}) for name in config.BASELINES}


def sample(frame: pd.DataFrame, rows: int, params: Params) -> pd.DataFrame:
    """Return at most so many rows, chosen by the seed, and one row of each class more if they would lack it."""
    if len(frame) <= rows:
        return frame
    chosen = np.zeros(len(frame), dtype=bool)
    chosen[np.random.default_rng(params.seed).permutation(len(frame))[:rows]] = True
    if params.task != "regression":
        chosen |= ~frame[params.data.target].duplicated().to_numpy()
    return frame[chosen]


def _fitted(estimator: BaseEstimator, train: pd.DataFrame, params: Params) -> Pipeline:
    target = train[params.data.target]
    fitted = Pipeline([("estimator", estimator.fit(np.zeros((len(train), 1)), target.to_numpy()))])
    decide(fitted, _features(train, params), target, params)
    return fitted


def _fitted_with_preparation(estimator: BaseEstimator, train: pd.DataFrame, params: Params) -> Pipeline:
    frame = sample(train, ROWS, params)
    with predict.threads(0):  # one: the sums of linear algebra must not depend on their number
        features, target = _features(frame, params), frame[params.data.target].to_numpy()
        prepare = user_code.get(params.package, "model", "make_preparation")(estimator, features)
        matrix = fitted_matrix(prepare, features, target, params.seed)
        width = matrix.shape[1]
        if width * FEW_ROWS > MOST_CELLS:
            raise ValueError(f"{width:,} columns after preparation are too many for a linear baseline")
        classes = frame[params.data.target].nunique() if params.task == "multiclass" else 1
        rows = sample(frame.reset_index(drop=True), max(CELLS // (width * classes), FEW_ROWS), params).index
        estimator.fit(matrix[rows], target[rows])
        fitted = Pipeline([("prepare", prepare), ("estimator", estimator)])
        decide(fitted, _features(frame.iloc[rows], params), frame[params.data.target].iloc[rows], params)
    return fitted


def _features(frame: pd.DataFrame, params: Params) -> pd.DataFrame:
    return frame[params.data.inputs(frame)]


def _predictions(model: Pipeline, test: pd.DataFrame, params: Params) -> pd.DataFrame:
    with predict.threads(0):
        return pd.concat(
            [
                predict.predict(model, _features(test.iloc[rows], params), params)
                for rows in gen_batches(len(test), TEST_ROWS)
            ]
        )
