"""A classifier that takes numbers alone as labels, given any."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import get_tags


class EncodedLabels(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Each label as its position among the sorted labels, for the classifier within."""

    def __init__(self, estimator: Any) -> None:
        """`estimator`: a classifier."""
        self.estimator = estimator

    def fit(self, matrix: np.ndarray, target: np.ndarray, sample_weight: Any = None) -> "EncodedLabels":
        """Fit the classifier within on the positions of the labels, shape (rows,), with the weights of rows if there are any."""
        self.classes_, codes = np.unique(target, return_inverse=True)
        self.estimator.fit(matrix, codes, sample_weight=sample_weight)
        return self

    def predict_proba(self, matrix: np.ndarray) -> np.ndarray:
        """Return probabilities, shape (rows, classes), in the order of `classes_`."""
        return np.asarray(self.estimator.predict_proba(matrix))

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return the label with the highest probability, shape (rows,)."""
        return np.asarray(self.classes_[self.predict_proba(matrix).argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags
