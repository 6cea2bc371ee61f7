"""Limits from what was measured: how low a metric may be, and how far it may fall. Numbers in, numbers out."""

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from lifecycle.core.metrics import BIASED, UNIT_INTERVAL
from lifecycle.core.own_metrics import OwnMetrics, sign_of
from lifecycle.gate.refits import Spread

DEVIATIONS = 2  # of the refits and periods, by which the bound is widened
DEVIATIONS_OF_CHANGE = 3  # a few refits underestimate how far another one may be
RESOLUTION = 0.01  # of the gain over the trivial model: no limit is tighter, though every interval were of no width
SMALLEST = {
    "miscalibration": 0.001
}  # likewise: probabilities that are off by three points, the root of this, are calibrated
LARGEST_CHANGE = 0.99  # of a metric between 0 and 1


@dataclass(frozen=True)
class MetricLimit:
    """What gates.yaml says about a metric."""

    bound: Decimal
    """The lowest value (of a loss: the highest)."""
    change: Decimal
    """The largest drop (of a loss: rise)."""
    reached: float
    """The bound before it was rounded, and whatever the trivial model reaches."""
    trivial: bool
    """Whether the bound is what the trivial model reaches."""
    sign: int
    """1 where higher values are better, else -1."""


def metric_limit(
    metric: str,
    point: float,
    interval: dict[str, float],
    spread: Spread,
    trivial: float | None,
    own: OwnMetrics | None = None,
) -> MetricLimit:
    """Return the limits of a metric.

    The bound is the worse end of the interval, moved by how much worse refits are and by twice their standard deviation,
    to which that over periods is added as a variance: the next test rows are of another period. It is
    never worse than the trivial model, nor better than what the first model itself reaches, moved likewise. The
    largest change is what a paired comparison can detect, or how far refits move if that is more; periods do not count
    here, for both models answer the same rows.

    Args:
        metric: its name.
        point: what the model reaches.
        interval: `low` and `high`, its 95% interval.
        spread: over refits.
        trivial: what the trivial model reaches.
        own: the user's metrics.
    """
    sign = sign_of(metric, own)
    resolution = SMALLEST.get(metric, 0.0) if trivial is None else RESOLUTION * abs(point - trivial)
    worse, deviation = spread.loss(sign), spread.deviation
    end = interval["low" if sign > 0 else "high"]
    if metric in BIASED:  # the next model's figure is biased as well, and the interval is not
        end = point - sign * (interval["high"] - interval["low"]) / 2
    of_bound = math.hypot(deviation, spread.of_periods)
    reached = sign * (min(sign * end, sign * point - resolution, sign * spread.first) - worse - DEVIATIONS * of_bound)
    change = max(spread.detectable, worse + DEVIATIONS_OF_CHANGE * deviation, resolution)
    if metric in UNIT_INTERVAL:
        change = min(change, LARGEST_CHANGE)
    bound = rounded(reached, -sign, abs(reached - point))
    clamped = trivial is not None and sign * float(bound) < sign * trivial
    if trivial is not None and clamped:
        bound = rounded(trivial, sign, abs(trivial) / 1000)
    if metric in UNIT_INTERVAL:
        bound = max(bound, Decimal(0))
    return MetricLimit(bound, rounded(change, 1, change), reached, bool(clamped), sign)


def rounded(value: float, direction: int, scale: float) -> Decimal:
    """Return a number with two significant digits, or more if their last place is larger than that of `scale`.

    `direction` is 1 to round up, -1 to round down.
    """
    if not value:
        return Decimal(0)
    place = math.floor(math.log10(abs(value))) - 1
    if scale > 0:
        place = min(place, math.floor(math.log10(scale)))
    step = Decimal(1).scaleb(place)
    whole = (Decimal(f"{value:.9g}") / step).to_integral_value(ROUND_CEILING if direction > 0 else ROUND_FLOOR)
    return whole * step


def plain(number: Decimal) -> str:
    """Return a number without an exponent or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
