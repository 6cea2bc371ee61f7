"""The summary of a window: its fields, and how they are stored."""

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter

from lifecycle.core.times import Window
from lifecycle.monitoring.alarms import RefusedFor
from lifecycle.monitoring.drift import ColumnDrift
from lifecycle.monitoring.model_age import ModelAge
from lifecycle.monitoring.performance import MetricInterval
from lifecycle.monitoring.quality import QualityFinding

TABLE = "batch-"  # the beginning of the role of a table of scores; its name follows


@dataclass(frozen=True)
class PastWindow:
    """What an earlier window found; `until` is its end."""

    until: str
    alarm: bool


@dataclass(frozen=True)
class Summary:
    """What was found in a window, as summary.json has it."""

    window: Window
    model: str
    version: str
    rows: int
    """All that the version answered."""
    compared: dict[str, int]
    """`rows` of the sample and of the `reference`."""
    labels: int
    other_versions: dict[str, int]
    """How many rows other versions answered in the same role."""
    broken_lines: int
    alarms: list[str]
    """A sentence each."""
    drifted: list[str]
    columns: list[ColumnDrift]
    """The columns, the farthest from its threshold first."""
    score: ColumnDrift | None
    quality: list[QualityFinding]
    performance: list[MetricInterval]
    role: str
    log: str
    readable: int
    """Rows whose inputs can be read."""
    status: str = "undecided"
    reasons: list[str] = field(default_factory=list)
    missing_rows: int = 0
    history: list[PastWindow] = field(default_factory=list)
    """The windows that the status rests on, this one last."""
    age: ModelAge | None = None
    """Of the model at the end of the window, if it is known when to renew it."""
    refused_rows: int = 0
    """Rows that servers refused while the version was in its role."""
    refused: list[RefusedFor] = field(default_factory=list)
    """Why, the most frequent reason first."""
    extreme: list[str] = field(default_factory=list)
    """What the alarms are about that need no second window."""
    private: dict[str, str] = field(default_factory=dict)
    """The inputs that are not compared, because the log leaves them out or has them hashed; which of both it is."""
    estimated: list[MetricInterval] = field(default_factory=list)
    """The metrics as they are to be expected from the probabilities, without labels."""
    corrected: bool = False
    """Whether the probabilities were corrected by the reference for that."""
    notes: list[str] = field(default_factory=list)
    """What cannot be said of the window, and why."""

    @property
    def is_table(self) -> bool:
        """Whether it is of a table of scores rather than of the prediction log."""
        return self.role.startswith(TABLE)

    def to_json(self) -> dict[str, Any]:
        times = {name: time.isoformat() for name, time in asdict(self.window).items()}
        return asdict(self) | {"window": times}

    @staticmethod
    def from_json(content: Any) -> "Summary":
        """Return the summary that `to_json` made. Raises ValueError if it is not one."""
        return TypeAdapter(Summary).validate_python(content)
