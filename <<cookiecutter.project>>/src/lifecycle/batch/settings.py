"""batch.yaml, typed and checked in one place."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from lifecycle.core.config import Section
from lifecycle.core.files import read_yaml

BATCH = Path("batch.yaml")


class Batch(Section):
    max_bad_share: Annotated[float, Field(ge=0, le=1)]
    rows: Annotated[int, Field(ge=64, le=1_000_000)]
    cache: Annotated[Path, Field(strict=False)]


def load(path: Path = BATCH) -> Batch:
    """Return the checked settings.

    Raises ConfigError naming every missing, misspelt or ill-valued one.
    """
    return Batch.checked(read_yaml(path), str(path))
