"""What a run is asked to do, as one process hands it to the next."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Job:
    """A table to be scored by a version of the model, as one date of the output."""

    input: str
    output: str
    engine: str  # local or spark
    master: str | None  # Spark's
    date: str
    active_since: tuple[str, str] | None
    alias: str
    version: int
    folder: str  # the version's files
    code: str  # the version's code, with this package over its own
    began: float  # seconds since the epoch
    scored_at: str
    max_bad_share: float
    rows: int  # in a batch

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        content = json.loads(text)
        since = content.pop("active_since")
        return cls(**content, active_since=tuple(since) if since else None)
