"""`fairness` in gates.yaml: how far a metric may differ between groups of rows."""

from typing import Annotated, Self

from pydantic import Field, ValidationInfo, model_validator

from lifecycle.core.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER
from lifecycle.core.section import Section


class Gap(Section):
    """How far a metric may differ between two groups."""

    max_difference: Annotated[float, Field(ge=0)] | None = None
    """Highest minus lowest."""
    min_ratio: Annotated[float, Field(gt=0, le=1)] | None = None
    """Lowest over highest."""

    def describe(self) -> str:
        """Return the limit as a person would write it."""
        difference = [f"difference ≤ {self.max_difference:g}"] if self.max_difference is not None else []
        return ", ".join([*difference, *([f"ratio ≥ {self.min_ratio:g}"] if self.min_ratio is not None else [])])

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.max_difference is None and self.min_ratio is None:
            raise ValueError("no limit: give max_difference or min_ratio")
        return self


class Fairness(Section):
    """Columns of evaluate.slices whose values are the groups → metric → how far it may differ."""

    min_rows: Annotated[int, Field(ge=1)]
    columns: Annotated[dict[str, Annotated[dict[str, Gap], Field(min_length=1)]], Field(min_length=1)]

    def lines(self) -> list[str]:
        """Return every limit as a person would write it."""
        return [
            f"{metric} by {column} {gap.describe()}"
            for column, gaps in self.columns.items()
            for metric, gap in gaps.items()
        ]

    @model_validator(mode="after")
    def _can_be_measured(self, info: ValidationInfo) -> Self:
        metrics = HIGHER_IS_BETTER | LOWER_IS_BETTER | {*(info.context or {})}
        for column, gaps in self.columns.items():
            for metric, gap in gaps.items():
                if metric not in metrics:
                    known = ", ".join(sorted(metrics))
                    raise ValueError(f"{column}: {metric!r} is not a metric (there are: {known})")
                if metric == "r2" and gap.min_ratio is not None:
                    raise ValueError(f"{column}: r2 may be negative, so it has no ratio: give max_difference")
        return self
