"""The settings in batch.yaml."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from lifecycle.core.files import read_yaml
from lifecycle.core.section import Folder, Section

BATCH = Path("batch.yaml")


Coordinate = Annotated[str, Field(pattern=r"^[^:\s,]+:[^:\s,]+:[^:\s,]+$")]


class SparkSettings(Section):
    """The settings of a session of Spark's that a project can choose."""

    packages: list[Coordinate] = Field(default_factory=list)
    conf: dict[str, str | bool | int | float] = Field(default_factory=dict)

    @field_validator("conf")
    @classmethod
    def _of_spark(cls, conf: dict[str, Any]) -> dict[str, Any]:
        from lifecycle.batch.spark.session import SETTINGS

        for name in conf:
            if not name.startswith("spark."):
                raise ValueError(f"{name} is not a setting of Spark's, which begin with spark.")
            if name in SETTINGS or name == "spark.jars.packages":
                reason = "is set by `score` itself" if name in SETTINGS else "is what packages above it sets"
                raise ValueError(f"{name} {reason}: leave it out")
        return conf

    def session_conf(self) -> dict[str, str]:
        """Return the configuration of a session, in the words of Spark."""
        texts = {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in self.conf.items()
        }
        return texts | ({"spark.jars.packages": ",".join(self.packages)} if self.packages else {})


class BatchSettings(Section):
    """The content of batch.yaml."""

    max_bad_share: Annotated[float, Field(ge=0, le=1)]
    rows: Annotated[int, Field(ge=64, le=1_000_000)]
    cache: Folder
    spark: SparkSettings = SparkSettings()


def load(path: Path = BATCH) -> BatchSettings:
    """Return the settings. Raises ConfigError naming every one that is missing, misspelt or has a wrong value."""
    return BatchSettings.checked(read_yaml(path), str(path))
