"""How far the metrics lie apart in the periods of a walk-forward evaluation, as a part of the spread that limits are made from."""

from dataclasses import replace

from lifecycle.core import config
from lifecycle.core.files import parse_json, read_text
from lifecycle.core.tables import figure
from lifecycle.gate.check_result import finite_or_none
from lifecycle.gate.refits import Spread


def with_periods(measured: dict[str, Spread]) -> tuple[dict[str, Spread], list[str]]:
    """Return the spreads with the deviation over periods in metrics/walk_forward.json, if there is one, and a line on it.

    It is the part that the number of rows does not explain: the interval of the test rows, from which a limit starts,
    accounts for that already.
    """
    if not config.WALK_FORWARD.exists():
        return measured, []
    content = parse_json(read_text(config.WALK_FORWARD), f"{config.WALK_FORWARD} (which `make repro` makes anew)")
    values = content.get("beyond_chance")
    if not isinstance(values, dict) or not values:
        return measured, []
    deviations = {name: finite_or_none(values.get(name)) or 0.0 for name in measured}
    of_metrics = ", ".join(f"{name} {figure(value)}" for name, value in deviations.items() if value)
    line = f"periods: the limits leave room for how far metrics lie apart in {config.WALK_FORWARD}, beyond chance: {of_metrics or 'not at all'}"
    return {name: replace(spread, of_periods=deviations[name]) for name, spread in measured.items()}, [line]
