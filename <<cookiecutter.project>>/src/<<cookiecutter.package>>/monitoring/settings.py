"""monitoring.yaml, typed and checked in one place."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from << cookiecutter.package >>.config import Section
from << cookiecutter.package >>.files import read_yaml

MONITORING = Path("monitoring.yaml")
WEBHOOK = "MONITORING_WEBHOOK"


class Alert(Section):
    webhook_seconds: Annotated[float, Field(gt=0)]
    issue: Annotated[str, Field(max_length=50, pattern=r"^[^,]*$")]


class Retrain(Section):
    start: Literal["auto", "github", "here", "never"]
    branch: Annotated[str, Field(pattern=r"^[\w./-]+$")]
    min_rows: Annotated[int, Field(gt=0)]


class Monitoring(Section):
    alert: Alert
    retrain: Retrain


def load(path: Path = MONITORING) -> Monitoring:
    """Return the checked settings.

    Raises ConfigError naming every missing, misspelt or ill-valued one.
    """
    return Monitoring.checked(read_yaml(path), str(path))
