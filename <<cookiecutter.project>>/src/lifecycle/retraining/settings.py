"""retraining.yaml, typed and checked in one place."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from lifecycle.core.files import read_yaml
from lifecycle.core.section import Section

RETRAINING = Path("retraining.yaml")


class Retraining(Section):
    branch: Annotated[str, Field(pattern=r"^[\w./-]+$")]
    min_rows: Annotated[int, Field(gt=0)]
    log: str | None


def load(path: Path = RETRAINING) -> Retraining:
    """Return the checked settings.

    Raises ConfigError naming every missing, misspelt or invalid one.
    """
    return Retraining.checked(read_yaml(path), str(path))
