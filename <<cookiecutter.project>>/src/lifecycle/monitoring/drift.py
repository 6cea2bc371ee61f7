"""Drift: has a column, or what the model predicts, moved away from the reference by more than the limit and than chance explains?"""

from dataclasses import dataclass

import pandas as pd

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.reference import INPUTS, PROBABILITIES
from lifecycle.monitoring import null_bootstrap
from lifecycle.monitoring.distances import Column, reference_column
from lifecycle.monitoring.settings import Drift

OK, DRIFT = "ok", "drift"


@dataclass(frozen=True)
class ColumnDrift:
    """The distance of a column, or of the score, as a summary has it."""

    name: str
    kind: str
    distance: str
    value: float
    threshold: float
    status: str


@dataclass(frozen=True)
class Compared:
    """A column of the reference, the same column of a window, and their distance."""

    column: Column
    window: pd.Series
    value: float
    threshold: float

    @property
    def drifted(self) -> bool:
        return self.value > self.threshold

    def result(self) -> ColumnDrift:
        return ColumnDrift(
            name=self.column.name,
            kind=self.column.kind,
            distance=self.column.distance,
            value=round(self.value, 6),
            threshold=round(self.threshold, 6),
            status=DRIFT if self.drifted else OK,
        )


class Comparison:
    """What windows of the traffic are compared with: the columns of the reference, and the score as the last one."""

    def __init__(self, reference: pd.DataFrame, dates: list[str], settings: Drift, params: Params) -> None:
        """Prepare the reference.

        Args:
            reference: as `evaluate` wrote it.
            dates: columns that hold dates, which are not compared.
            settings: the limits.
            params: the seed.

        Raises ConfigError if settings.ignore names something that is not an input of the model.
        """
        names = [str(name).removeprefix(INPUTS) for name in reference if str(name).startswith(INPUTS)]
        if unknown := [name for name in settings.ignore if name not in names]:
            raise ConfigError(f"monitoring.yaml: drift.ignore names {unknown[0]!r}, which is not an input of the model")
        left_out = {*settings.ignore, *dates}
        inputs = [reference_column(name, reference[f"{INPUTS}{name}"]) for name in names if name not in left_out]
        self.columns = [column for column in inputs if column]
        prediction = reference_column(*score(reference))
        assert prediction, "a reference has predictions"
        self.score = prediction
        self._settings, self._seed = settings, params.seed
        self._chance: dict[int, list[float]] = {}

    def of(self, window: pd.DataFrame) -> list[Compared]:
        """Return how far the columns that have a value have moved, and then the score."""
        bounds = self._bounds(len(window))
        compared = []
        for column, bound in zip([*self.columns, self.score], bounds, strict=True):
            is_score = column is self.score
            values = column.like(score(window)[1] if is_score else window[f"{INPUTS}{column.name}"])
            limit = self._settings.score if is_score else getattr(self._settings, column.kind)
            distance = column.distance_to(values)
            if distance is not None:  # a column without any value is reported by quality
                compared.append(Compared(column, values, distance, max(limit, bound)))
        return compared

    def _bounds(self, rows: int) -> list[float]:
        """The distances that chance explains at so many rows; half of the false alarms are for drift, the others for quality."""
        if rows not in self._chance:
            columns = [*self.columns, self.score]
            self._chance[rows] = null_bootstrap.bounds(columns, rows, self._settings.false_alarms / 2, self._seed)
        return self._chance[rows]


def score(rows: pd.DataFrame) -> tuple[str, pd.Series]:
    """Return the name and values of what predictions are compared by: the probability, the label of several classes, or the prediction."""
    classes = [name for name in map(str, rows) if name.startswith(PROBABILITIES)]
    if classes:
        return "label", rows[classes].idxmax(axis=1).map(lambda name: name.removeprefix(PROBABILITIES))
    name = "probability" if "probability" in rows else "prediction"
    return name, rows[name]
