"""The settings in batch.yaml."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from lifecycle.core.files import read_yaml
from lifecycle.core.section import Folder, Section

BATCH = Path("batch.yaml")


class BatchSettings(Section):
    """The content of batch.yaml."""

    max_bad_share: Annotated[float, Field(ge=0, le=1)]
    rows: Annotated[int, Field(ge=64, le=1_000_000)]
    cache: Folder


def load(path: Path = BATCH) -> BatchSettings:
    """Return the settings. Raises ConfigError naming every one that is missing, misspelt or has a wrong value."""
    return BatchSettings.checked(read_yaml(path), str(path))
