"""What `make_preparation` of the user's model.py returns, fitted as training needs it."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from lifecycle.core import predict
from lifecycle.core.estimator import set_seeds


def fitted_matrix(preparation: Any, features: pd.DataFrame, target: np.ndarray, seed: int) -> np.ndarray:
    """Fit a transformer on training rows, and return what the estimator learns from, shape (rows, columns).

    A transformer that encodes by the target, such as scikit-learn's TargetEncoder, encodes each training row by the others, so that
    the estimator cannot read a row's own target. One that is fitted already is only applied.

    Args:
        preparation: the transformer; every random_state in it that is not set becomes the seed.
        features: training rows as `build_features` returns them, without id and target.
        target: shape (rows,).
        seed: of the folds.
    """
    try:
        check_is_fitted(preparation)
    except NotFittedError:
        set_seeds(preparation, seed)
        np.random.seed(seed)  # of what has no random_state, such as the folds of a TargetEncoder
        matrix: np.ndarray = preparation.fit_transform(features, target)
        return matrix
    return predict.in_batches(preparation.transform, features)
