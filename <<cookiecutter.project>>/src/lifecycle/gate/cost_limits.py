"""`cost` in gates.yaml: how much it may cost to train a model, to keep it and to have it predict."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from lifecycle.core.section import Section

OF_TRAINING = {"training_seconds", "peak_memory"}

Positive = Annotated[float, Field(gt=0)]


class Ceiling(Section):
    """What a figure may reach."""

    max_ratio: Annotated[float, Field(ge=1)] | None = None
    """To the base's, measured in the same run of the gate."""

    @property
    def most(self) -> float | None:
        """The largest value, in the figure's own unit."""
        return None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if all(value is None for value in self.model_dump().values()):
            raise ValueError(f"no limit: give {' or '.join(type(self).model_fields)}")
        return self


class Memory(Ceiling):
    """For bytes."""

    max_mb: Positive | None = None
    """Of 1,000,000 bytes."""

    @property
    def most(self) -> float | None:
        """In bytes."""
        return None if self.max_mb is None else self.max_mb * 1e6


class Latency(Ceiling):
    """For milliseconds."""

    max_ms: Positive | None = None

    @property
    def most(self) -> float | None:
        """In milliseconds."""
        return self.max_ms


class Cost(Section):
    """Limits of what the model costs. A figure that is limited is measured, and with `report` all of them are."""

    report: bool = False
    training_seconds: Ceiling | None = None
    peak_memory: Memory | None = None
    model_size: Memory | None = None
    prediction_ms_per_row: Latency | None = None

    def ceilings(self) -> dict[str, Ceiling]:
        """Return the limits by figure."""
        names = [name for name in type(self).model_fields if name != "report"]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def measured(self) -> set[str]:
        """Return the names of the figures that a process has to measure; the size of a model file takes none."""
        names = {*type(self).model_fields} if self.report else {*self.ceilings()}
        return names - {"model_size", "report"}

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.report and not self.ceilings():
            raise ValueError("nothing to do: limit a figure, or write report: true")
        return self
