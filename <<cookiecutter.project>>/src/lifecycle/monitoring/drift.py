"""Has a column, or what the model answers, moved away from the reference, by more than is allowed and than chance explains?"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.reference import INPUTS, PROBABILITIES
from lifecycle.monitoring.distances import Column, column
from lifecycle.monitoring.null_bootstrap import bounds
from lifecycle.monitoring.settings import Drift

OK, DRIFT = "ok", "drift"


@dataclass(frozen=True)
class Compared:
    """A column of the reference beside the same column of a window, and how far they are apart."""

    column: Column
    window: pd.Series
    value: float
    threshold: float

    @property
    def drifted(self) -> bool:
        return self.value > self.threshold

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.column.name,
            "kind": self.column.kind,
            "distance": self.column.distance,
            "value": round(self.value, 6),
            "threshold": round(self.threshold, 6),
            "status": DRIFT if self.drifted else OK,
        }


class Comparison:
    """What windows of the traffic are held against: the columns of the reference, and the score as the last one."""

    def __init__(self, reference: pd.DataFrame, moments: list[str], settings: Drift, params: Params) -> None:
        """`reference` as it was kept; `moments` are the columns that hold dates, which move on by nature.

        Raises ConfigError if settings.ignore names what is no column.
        """
        names = [str(name).removeprefix(INPUTS) for name in reference if str(name).startswith(INPUTS)]
        if unknown := [name for name in settings.ignore if name not in names]:
            raise ConfigError(f"monitoring.yaml: drift.ignore names {unknown[0]!r}, which the model is not given")
        left_out = {*settings.ignore, *moments}
        found = [column(name, reference[f"{INPUTS}{name}"]) for name in names if name not in left_out]
        self.columns = [part for part in found if part]
        self.score = column(*score(reference))
        self._settings, self._seed = settings, params.seed
        self._chance: dict[int, list[float]] = {}

    def of(self, window: pd.DataFrame) -> list[Compared]:
        """Return how far the columns that are not empty have moved, and then the score."""
        chance = self._bounds(len(window))
        compared = []
        for part, bound in zip([*self.columns, self.score], chance, strict=True):
            assert part
            values = part.like(score(window)[1] if part is self.score else window[f"{INPUTS}{part.name}"])
            allowed = self._settings.score if part is self.score else getattr(self._settings, part.kind)
            value = part.distance_to(values)
            if value is not None:  # one without any value is the business of quality
                compared.append(Compared(part, values, value, max(allowed, bound)))
        return compared

    def _bounds(self, rows: int) -> list[float]:
        """What chance explains, at so many rows; half of the false alarms are for drift, the others for quality."""
        if rows not in self._chance:
            columns = [part for part in [*self.columns, self.score] if part]
            self._chance[rows] = bounds(columns, rows, self._settings.false_alarms / 2, self._seed)
        return self._chance[rows]


def score(rows: pd.DataFrame) -> tuple[str, pd.Series]:
    """Return the one thing by which answers are compared, and its name: the probability, the label of several, the prediction."""
    classes = [name for name in map(str, rows) if name.startswith(PROBABILITIES)]
    if classes:
        return "label", rows[classes].idxmax(axis=1).map(lambda name: name.removeprefix(PROBABILITIES))
    name = "probability" if "probability" in rows else "prediction"
    return name, rows[name]
