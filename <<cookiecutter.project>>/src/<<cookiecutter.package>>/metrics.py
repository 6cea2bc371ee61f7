"""Your own metrics. What is declared here is measured wherever the built-in metrics are, and gates.yaml may limit it.

A metric is a function of two arrays with an entry per row. For example, a mistake in a binary task may have a price:

    @metric(higher_is_better=False)
    def cost_per_row(actual: np.ndarray, prediction: np.ndarray) -> float:
        return np.mean(50 * (actual & ~prediction) + 5 * (prediction & ~actual))

With `probability` in the place of `prediction` it is given probabilities. docs/model.md says what the arrays hold.
"""

import numpy as np

from lifecycle.core.own_metrics import metric

__all__ = ["metric", "np"]
