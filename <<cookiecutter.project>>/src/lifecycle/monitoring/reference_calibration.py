"""Whether probabilities are calibrated on the reference, and if not, their correction."""

from collections.abc import Callable

import numpy as np

from lifecycle.core.miscalibration import miscalibration

DRAWS = 200
QUANTILE = 0.95


class Calibration:
    """What the reference says of the probabilities: right as they are, or to be corrected by isotonic regression, class by class.

    They are off if their miscalibration is more than that of all but a twentieth of draws in which they are right (consistency
    resampling: Bröcker and Smith, Increasing the Reliability of Reliability Diagrams, Weather and Forecasting 22, 2007).
    """

    def __init__(self, scores: np.ndarray, codes: np.ndarray, generator: np.random.Generator) -> None:
        """Test the probabilities.

        Args:
            scores: shape (rows, classes); of two classes the last is looked at, as the other is the rest.
            codes: the number of each row's class, shape (rows,).
            generator: of the draws.
        """
        classes = range(scores.shape[1]) if scores.shape[1] > 2 else [1]
        self._fits = {place: _Isotonic(scores[:, place], codes == place) for place in classes}
        self._rows = len(scores)
        observed = np.mean([_excess(scores[:, place], codes == place) for place in classes])
        by_chance = [
            np.mean([_excess(scores[:, place], generator.random(self._rows) < scores[:, place]) for place in classes])
            for _ in range(DRAWS)
        ]
        self.is_off = bool(observed > np.quantile(by_chance, QUANTILE))

    def corrected(self, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Return probabilities corrected, if they are off; `weights` are of the rows of the reference. Both of shape (rows, classes)."""
        if not self.is_off:
            return scores
        weights = np.ones(self._rows) if weights is None else weights
        if scores.shape[1] == 2:
            positive = self._fits[1].fit(weights)(scores[:, 1])
            return np.stack([1 - positive, positive], axis=1)
        fitted = np.stack([fit.fit(weights)(scores[:, place]) for place, fit in self._fits.items()], axis=1)
        total = fitted.sum(axis=1, keepdims=True)
        return np.where(total > 0, fitted / np.where(total > 0, total, 1), scores)

    def resampled(self, scores: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return what `corrected` does, fitted to rows of the reference that are drawn with replacement."""
        if not self.is_off:
            return scores
        drawn = generator.integers(0, self._rows, self._rows)
        return self.corrected(scores, np.bincount(drawn, minlength=self._rows).astype(np.float64))


class _Isotonic:
    """Isotonic regression of an outcome on a score, for any weights of the rows."""

    def __init__(self, score: np.ndarray, hit: np.ndarray) -> None:
        self._values, self._places = np.unique(score, return_inverse=True)
        self._hit = hit.astype(np.float64)

    def fit(self, weights: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        from scipy.optimize import isotonic_regression

        weight = np.bincount(self._places, weights)
        drawn = weight > 0
        mean = np.bincount(self._places, weights * self._hit)[drawn] / weight[drawn]
        fitted = isotonic_regression(mean, weights=weight[drawn]).x
        return lambda score: np.interp(score, self._values[drawn], fitted)


def _excess(score: np.ndarray, hit: np.ndarray) -> float:
    return miscalibration(score, hit)(np.ones(len(score)))
