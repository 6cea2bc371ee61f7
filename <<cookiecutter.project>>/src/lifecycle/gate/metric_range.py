"""The range that gates.yaml gives a metric."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from lifecycle.core.section import Section

NotNegative = Annotated[float, Field(ge=0)]


class Floor(Section):
    """The range a metric must lie in."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value can pass")
        return self

    @property
    def guards_below(self) -> bool:
        """Whether a value can be too low."""
        return self.min is not None or getattr(self, "max_drop", None) is not None

    @property
    def guards_above(self) -> bool:
        """Whether a value can be too high."""
        return self.max is not None or getattr(self, "max_rise", None) is not None

    def broken_by(self, value: float) -> str:
        """Return how the value breaks the range, or nothing."""
        if self.min is not None and value < self.min:
            return f"below its limit {self.min:.4f}"
        if self.max is not None and value > self.max:
            return f"above its limit {self.max:.4f}"
        return ""


class Limit(Floor):
    """The range a metric must lie in, and how much worse than the base's it may be."""

    max_drop: NotNegative | None = None
    max_rise: NotNegative | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.max_drop is not None and self.max_rise is not None:
            raise ValueError(
                "max_drop and max_rise exclude each other: give the one for the direction in which the metric gets worse"
            )
        if not (self.guards_below or self.guards_above):
            raise ValueError("no limit: give min, max, max_drop or max_rise")
        return self
