"""What the model card is made of."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found out about a model."""

    estimator: str
    """The name of its class, and how it is calibrated."""
    decision: str
    """The threshold at and above which a row is labelled positive, and how it was chosen; empty if there is none."""
    at_threshold: dict[str, Any]
    """What labels at the chosen threshold and at 0.5 are worth on the validation rows: see threshold_card.py; empty if no rule chose it."""
    versions: dict[str, str]
    """Of Python and of the packages that it was computed with, by name."""
    rows: int
    """How many test rows there are."""
    points: dict[str, dict[str, float]]
    """Metrics by side of the split (`train`, `validation`, `test`)."""
    intervals: dict[str, dict[str, float]]
    """95% interval of each test metric."""
    slices: dict[str, dict[str, dict[str, Any]]]
    """Column → value → rows and metrics."""
    weak: dict[str, Any]
    """The content of metrics/weak_slices.json."""
    importances: dict[str, float]
    """Of the raw columns, by name."""
    baselines: dict[str, dict[str, float]]
    """`trivial` and `linear` → metric → value on the test rows."""
    baseline_failure: str
    """Why there is no linear model, or nothing."""
    uncalibrated: dict[str, float]
    """Metrics of the model without its calibration on the test rows; empty if it has none."""
    walk_forward: dict[str, Any]
    """The content of metrics/walk_forward.json."""
