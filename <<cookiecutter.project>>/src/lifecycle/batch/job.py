"""What a run has to do, as one process hands it to the next."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Job:
    """A table to be scored with a version of the model, for one date of the output or for each of a range."""

    input: str
    output: str
    engine: str  # local or spark
    master: str | None  # Spark's
    date: str
    active_since: tuple[str, str] | None  # a column and a date: rows with an earlier value are skipped
    alias: str
    version: int
    version_folder: str  # the version's files
    code_folder: str  # the version's code with today's lifecycle.batch laid over it
    started: float  # seconds since the epoch
    scored_at: str
    max_bad_share: float
    batch_rows: int
    dates: tuple[str, ...] = ()  # of a range: each has a folder in the input and takes the place of `date`
    spark_conf: dict[str, str] = field(default_factory=dict)  # of Spark's session

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        content = json.loads(text)
        since, dates = content.pop("active_since"), content.pop("dates")
        return cls(**content, active_since=tuple(since) if since else None, dates=tuple(dates))
