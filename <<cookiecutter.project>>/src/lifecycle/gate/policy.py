"""gates.yaml, typed and checked: what a model must reach to be merged."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from lifecycle.core.files import parse_yaml
from lifecycle.core.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER, UNIT_INTERVAL
from lifecycle.core.section import Section
from lifecycle.gate.fairness_limits import Fairness

LONGEST_EXCEPTION = datetime.timedelta(days=366)  # what is meant to last longer belongs in the limit itself

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
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


class Slices(Section):
    min_rows: Annotated[int, Field(ge=1)]
    metrics: Annotated[dict[str, Floor], Field(min_length=1)]

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        for name, floor in self.metrics.items():
            if not (floor.guards_below or floor.guards_above):
                raise ValueError(f"{name}: no limit: give min or max")
        return self


class Exemption(Floor):
    """A regression that a reviewer has accepted."""

    metric: Text
    slice: Text | None = None
    reason: Text
    accepted_by: Text
    expires: datetime.date


class NewProblem(Section):
    """Permission to replace the table or task, after which nothing can be compared with the base."""

    reason: Text
    accepted_by: Text
    expires: datetime.date | None = None


class Policy(Section):
    metrics: Annotated[dict[str, Annotated[dict[str, Limit], Field(min_length=1)]], Field(min_length=1)]
    beats: dict[Literal["linear", "trivial"], Annotated[dict[str, NotNegative], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """Baseline → metric → by how much the model must be better."""
    slices: Slices | None = None
    weak_slices: Slices | None = None
    """As found by `evaluate`; their limits."""
    fairness: Fairness | None = None
    not_recomputed: dict[str, Text] = Field(default_factory=dict)
    """Stage → why the gate believes its committed results instead of running it again."""
    recompute: list[str] | None = None
    """Of policies that are older: it has no effect, because everything else is recomputed."""
    tolerance: Annotated[float, Field(ge=0, le=0.01)]
    exceptions: list[Exemption]
    new_problem: NewProblem | None = None

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        limits = {(name, False): limit for limits in self.metrics.values() for name, limit in limits.items()}
        floors = {(name, True): floor for name, floor in (self.slices.metrics.items() if self.slices else ())}
        ranges: list[tuple[str, Floor]] = [(name, floor) for (name, _), floor in (limits | floors).items()]
        ranges += self.weak_slices.metrics.items() if self.weak_slices else ()
        for name, floor in ranges:
            if (floor.guards_above and name in HIGHER_IS_BETTER) or (floor.guards_below and name in LOWER_IS_BETTER):
                right = "min and max_drop" if name in HIGHER_IS_BETTER else "max and max_rise"
                raise ValueError(f"{name}: the limit is on the wrong side: it would reject better values; give {right}")
            largest = getattr(floor, "max_drop", None) or getattr(floor, "max_rise", None) or 0
            if name in UNIT_INTERVAL and largest >= 1:
                raise ValueError(f"{name}: {largest:g} is allowed, but {name} lies between 0 and 1")
        for name, floor in [*ranges, *((exemption.metric, exemption) for exemption in self.exceptions)]:
            for key, bound in (("min", floor.min), ("max", floor.max)):
                if bound is not None and name in UNIT_INTERVAL and not 0 <= bound <= 1:
                    raise ValueError(f"{name}: {key} is {bound:g}, but {name} lies between 0 and 1")
        for baseline, margins in self.beats.items():
            if unknown := [name for name in margins if name not in HIGHER_IS_BETTER | LOWER_IS_BETTER]:
                known = ", ".join(sorted(HIGHER_IS_BETTER | LOWER_IS_BETTER))
                raise ValueError(f"beats: {baseline}: {unknown[0]} is not a metric of baselines (there are: {known})")
        for exemption in self.exceptions:
            _check_exemption(exemption, limits | floors)
        if "evaluate" in self.not_recomputed:
            raise ValueError(
                "not_recomputed: evaluate must be recomputed, else the gate would believe any metrics file"
            )
        return self


def _check_exemption(exemption: Exemption, floors: Mapping[tuple[str, bool], Floor]) -> None:
    """Raise ValueError if the exception is from a limit that does not exist, or does not say how far the metric may go."""
    floor = floors.get((exemption.metric, exemption.slice is not None))
    if floor is None:
        where = "slices.metrics" if exemption.slice else "metrics"
        known = ", ".join(name for name, of_slice in floors if of_slice == (exemption.slice is not None))
        raise ValueError(f"exceptions: {exemption.metric!r} has no limit under {where} (there are: {known or 'none'})")
    if exemption.expires > datetime.datetime.now(datetime.UTC).date() + LONGEST_EXCEPTION:
        raise ValueError(f"exceptions: {exemption.metric}: expires {exemption.expires} is more than a year away")
    if floor.guards_below and exemption.min is None:
        raise ValueError(f"exceptions: {exemption.metric}: give min, the lowest value that is accepted")
    if floor.guards_above and exemption.max is None:
        raise ValueError(f"exceptions: {exemption.metric}: give max, the highest value that is accepted")


def parse(text: str, source: str) -> Policy:
    """Return the policy in a text. Raises ConfigError naming the source and every mistake in it."""
    return Policy.checked(parse_yaml(text, source), source)
