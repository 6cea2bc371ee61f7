"""gates.yaml, typed and checked: what a model must reach to be merged."""

import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from lifecycle.core.files import parse_yaml
from lifecycle.core.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER, UNIT_INTERVAL
from lifecycle.core.own_metrics import OwnMetrics, higher_is_better
from lifecycle.core.section import Section
from lifecycle.gate.cost_limits import OF_TRAINING, Cost
from lifecycle.gate.exemption import Exemption, Text, check_exemption
from lifecycle.gate.fairness_limits import Fairness
from lifecycle.gate.metric_range import Floor, Limit, NotNegative


class Slices(Section):
    min_rows: Annotated[int, Field(ge=1)]
    metrics: Annotated[dict[str, Floor], Field(min_length=1)]

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        for name, floor in self.metrics.items():
            if not (floor.guards_below or floor.guards_above):
                raise ValueError(f"{name}: no limit: give min or max")
        return self


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
    cost: Cost | None = None
    not_recomputed: dict[str, Text] = Field(default_factory=dict)
    """Stage → why the gate believes its committed results instead of running it again."""
    recompute: list[str] | None = None
    """Of policies that are older: it has no effect, because everything else is recomputed."""
    tolerance: Annotated[float, Field(ge=0, le=0.01)]
    exceptions: list[Exemption]
    new_problem: NewProblem | None = None

    @model_validator(mode="after")
    def _can_be_met(self, info: ValidationInfo) -> Self:
        own: OwnMetrics = info.context or {}
        higher = HIGHER_IS_BETTER | higher_is_better(own)
        lower = LOWER_IS_BETTER | (own.keys() - higher)
        of_all: dict[str, Floor] = {name: limit for limits in self.metrics.values() for name, limit in limits.items()}
        of_slices = self.slices.metrics if self.slices else {}
        of_weak_slices = self.weak_slices.metrics if self.weak_slices else {}
        ranges = [*of_all.items(), *of_slices.items(), *of_weak_slices.items()]
        for name, floor in ranges:
            if (floor.guards_above and name in higher) or (floor.guards_below and name in lower):
                right = "min and max_drop" if name in higher else "max and max_rise"
                raise ValueError(f"{name}: the limit is on the wrong side: it would reject better values; give {right}")
            largest = getattr(floor, "max_drop", None) or getattr(floor, "max_rise", None) or 0
            if name in UNIT_INTERVAL and largest >= 1:
                raise ValueError(f"{name}: {largest:g} is allowed, but {name} lies between 0 and 1")
        for name, floor in [*ranges, *((exemption.metric, exemption) for exemption in self.exceptions)]:
            for key, bound in (("min", floor.min), ("max", floor.max)):
                if bound is not None and name in UNIT_INTERVAL and not 0 <= bound <= 1:
                    raise ValueError(f"{name}: {key} is {bound:g}, but {name} lies between 0 and 1")
        for baseline, margins in self.beats.items():
            if unknown := [name for name in margins if name not in higher | lower]:
                known = ", ".join(sorted(higher | lower))
                raise ValueError(f"beats: {baseline}: {unknown[0]} is not a metric of baselines (there are: {known})")
        for exemption in self.exceptions:
            check_exemption(exemption, {"": of_all, "slice": of_slices, "weak_slice": of_weak_slices}, self.fairness)
        if "evaluate" in self.not_recomputed:
            raise ValueError(
                "not_recomputed: evaluate must be recomputed, else the gate would believe any metrics file"
            )
        fitted = sorted(OF_TRAINING & self.cost.ceilings().keys()) if self.cost else []
        if "train" in self.not_recomputed and fitted:
            raise ValueError(
                f"cost: {fitted[0]} is measured by training the models of both sides, which not_recomputed rules out: remove one of the two"
            )
        return self


def parse(text: str, source: str, own: OwnMetrics | None = None) -> Policy:
    """Return the policy in a text, with limits on built-in metrics and the user's `own`.

    Raises ConfigError naming the source and every mistake in it.
    """
    return Policy.checked(parse_yaml(text, source), source, own)
