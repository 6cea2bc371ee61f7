"""An entry under `exceptions` in gates.yaml: a regression that a reviewer has accepted for a while."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from lifecycle.gate.fairness_limits import Fairness, Gap
from lifecycle.gate.metric_range import Floor

LONGEST_EXCEPTION = datetime.timedelta(days=366)  # what is meant to last longer belongs in the limit itself
SECTIONS = {"": "metrics", "slice": "slices.metrics", "weak_slice": "weak_slices.metrics"}

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Exemption(Floor):
    """How far a metric may go: of all rows, of a slice or of a weak slice; or how far it may differ between groups."""

    metric: Text
    slice: Text | None = None
    weak_slice: Text | None = None
    """As the report names it."""
    fairness: Text | None = None
    """The column whose values are the groups."""
    max_difference: float | None = None
    min_ratio: float | None = None
    reason: Text
    accepted_by: Text
    expires: datetime.date

    @property
    def place(self) -> tuple[str, str]:
        """What it is about: the key that says so, and its value; two empty texts for the metric of all rows."""
        names = {"slice": self.slice, "weak_slice": self.weak_slice, "fairness": self.fairness}
        return next(((key, name) for key, name in names.items() if name is not None), ("", ""))

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Self:
        if sum(name is not None for name in (self.slice, self.weak_slice, self.fairness)) > 1:
            raise ValueError(f"{self.metric}: slice, weak_slice and fairness exclude each other: give one of them")
        of_groups = self.max_difference is not None or self.min_ratio is not None
        if of_groups and self.fairness is None:
            raise ValueError(f"{self.metric}: max_difference and min_ratio are for groups: give fairness, their column")
        if self.fairness is not None and not of_groups:
            raise ValueError(f"{self.metric}: give max_difference or min_ratio, how far the groups may differ")
        if self.fairness is not None and (self.min is not None or self.max is not None):
            raise ValueError(f"{self.metric}: with fairness, give max_difference or min_ratio in place of min and max")
        return self


def check_exemption(exemption: Exemption, ranges: Mapping[str, Mapping[str, Floor]], fairness: Fairness | None) -> None:
    """Check an exception against the limits that it is from.

    Args:
        exemption: the exception.
        ranges: key of `Exemption.place` → metric → its limits.
        fairness: the limits of gaps between groups.

    Raises ValueError if the limit does not exist, or the exception does not say how far the metric may go.
    """
    metric, (key, name) = exemption.metric, exemption.place
    if exemption.expires > datetime.datetime.now(datetime.UTC).date() + LONGEST_EXCEPTION:
        raise ValueError(f"exceptions: {metric}: expires {exemption.expires} is more than a year away")
    gaps = fairness.columns.get(name, {}) if fairness else {}
    known: Mapping[str, Floor | Gap] = gaps if key == "fairness" else ranges[key]
    limit = known.get(metric)
    if limit is None:
        section = f"fairness.columns.{name}" if key == "fairness" else SECTIONS[key]
        raise ValueError(
            f"exceptions: {metric!r} has no limit under {section} (there are: {', '.join(known) or 'none'})"
        )
    if isinstance(limit, Gap):
        for kind in ("max_difference", "min_ratio"):
            if getattr(exemption, kind) is not None and getattr(limit, kind) is None:
                raise ValueError(f"exceptions: {metric} by {name} has no {kind} under fairness: remove it here")
        return
    if limit.guards_below and exemption.min is None:
        raise ValueError(f"exceptions: {metric}: give min, the lowest value that is accepted")
    if limit.guards_above and exemption.max is None:
        raise ValueError(f"exceptions: {metric}: give max, the highest value that is accepted")
