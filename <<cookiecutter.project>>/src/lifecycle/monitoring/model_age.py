"""The age of a model that was split by time, and the age at which walk-forward evaluation says to renew it."""

import datetime
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.files import parse_json, read_text


@dataclass(frozen=True)
class ModelAge:
    """In days, since the date up to which its training rows go."""

    days: int
    renew_days: int
    """The age at which to renew it."""

    @property
    def line(self) -> str:
        due = ": it is due" if self.days >= self.renew_days else ""
        return f"the model is {self.days} days old; renew it at {self.renew_days}{due}"


def model_age(folder: Path, params: Params, at: datetime.datetime) -> ModelAge | None:
    """Return the age of a version at a moment, or None unless its walk-forward evaluation says when to renew it.

    Args:
        folder: of the version's files.
        params: the version's.
        at: the moment, in UTC.

    Raises ConfigError if the version's file on it cannot be read.
    """
    path = folder / config.WALK_FORWARD.name
    if params.split.time is None or not path.exists():
        return None
    staleness = parse_json(read_text(path), str(path)).get("staleness")
    renew_days = staleness.get("renew_days") if isinstance(staleness, dict) else None
    if renew_days is None:
        return None
    trained_until = pd.Timestamp(params.split.time.validation_from).date()
    return ModelAge(max(0, (at.date() - trained_until).days), int(renew_days))
