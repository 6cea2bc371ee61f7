"""Calibration: predicted probabilities corrected so that of the rows given 0.3, three in ten are positive."""

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.estimator import name_of

FOLDS = 5


def calibrated(estimator: BaseEstimator, frame: pd.DataFrame, params: Params) -> BaseEstimator:
    """Return the unfitted estimator, calibrated as train.calibration says if it does.

    The correction is fitted on predictions for training rows by models that have not seen them, in folds that keep the rows of
    a group together; the estimator itself is fitted on all of them (Niculescu-Mizil and Caruana, 2005).

    Args:
        estimator: a classifier.
        frame: the training rows that it will be fitted on, with the target.
        params: the method, the group and the seed.

    Raises ConfigError if a class has fewer rows than there are folds.
    """
    if not params.train.calibration:
        return estimator
    target, group = frame[params.data.target], params.split.group
    rarest = target.value_counts().loc[lambda counts: counts > 0].tail(1)
    if rarest.iloc[0] < FOLDS:
        raise ConfigError(
            f"{config.PARAMS}: train.calibration: class {rarest.index[0]} has {rarest.iloc[0]} training rows, and each of {FOLDS} folds "
            "needs one; remove the setting, or add rows"
        )
    folds: Any = StratifiedKFold(FOLDS, shuffle=True, random_state=params.seed)
    if group:
        by_group = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=params.seed)
        folds = list(by_group.split(frame, target.to_numpy(), frame[group].to_numpy()))
    return CalibratedClassifierCV(estimator, method=params.train.calibration, cv=folds, ensemble=False)


def forget_the_folds(estimator: BaseEstimator) -> None:
    """Take the numbers of rows out of a fitted estimator that was calibrated in folds by group."""
    if isinstance(estimator, CalibratedClassifierCV):
        estimator.set_params(cv=FOLDS)


def described(estimator: BaseEstimator, params: Params) -> str:
    """Return the name of a fitted estimator's class, and how its probabilities are calibrated."""
    method = params.train.calibration
    return f"{name_of(estimator.estimator)}, calibrated ({method})" if method else name_of(estimator)


def uncalibrated(model: Pipeline, params: Params) -> Pipeline | None:
    """Return a model without its correction; None if it has none, or its estimator gives no probabilities by itself."""
    if not params.train.calibration:
        return None
    inner = model[-1].calibrated_classifiers_[0].estimator
    return Pipeline([*model.steps[:-1], ("estimator", inner)]) if hasattr(inner, "predict_proba") else None
