"""How many rows a run read and what became of them, and when that is a failure."""

from collections.abc import Callable
from dataclasses import dataclass

from lifecycle.batch.job import Job
from lifecycle.batch.output import NOTHING_WRITTEN, QUARANTINE
from lifecycle.core.errors import DataError


@dataclass(frozen=True)
class RunSummary:
    """Numbers of rows: each row that was read was scored, quarantined or skipped."""

    read: int = 0
    scored: int = 0
    quarantined: int = 0
    skipped: int = 0

    def plus(self, read: int, scored: int, quarantined: int, skipped: int) -> "RunSummary":
        return RunSummary(
            self.read + read, self.scored + scored, self.quarantined + quarantined, self.skipped + skipped
        )


def check_columns(job: Job, needed: list[str], present: list[str]) -> None:
    """Raise DataError naming the columns that the table lacks or repeats."""
    for problem, names in {
        "missing": [name for name in needed if name not in present],
        "repeated": [name for name in needed if present.count(name) > 1],
    }.items():
        if names:
            raise DataError(
                f"{job.input}: {problem} column{'s'[: len(names) > 1]} {', '.join(names)}; {NOTHING_WRITTEN}"
            )


def check_summary(job: Job, summary: RunSummary, example: Callable[[], str]) -> None:
    """Raise DataError if no row was scored or too many break the contract, RuntimeError if rows were lost.

    `example` returns the reason why one of the quarantined rows breaks the contract.
    """
    if not summary.read:
        raise DataError(f"{job.input}: has no rows; {NOTHING_WRITTEN}")
    if summary.read != summary.scored + summary.quarantined + summary.skipped:
        raise RuntimeError(f"{job.input}: rows were lost: {summary}; {NOTHING_WRITTEN}")
    active = summary.scored + summary.quarantined
    if not active:
        column, date = job.active_since or ("", "")
        raise DataError(
            f"{job.input}: in none of its {summary.read:,} rows is {column} {date} or later; {NOTHING_WRITTEN}"
        )
    if summary.quarantined > job.max_bad_share * active:
        raise DataError(
            f"{job.input}: {summary.quarantined:,} of {active:,} rows break the contract, more than max_bad_share in "
            f"batch.yaml allows ({job.max_bad_share:g}), for example {example()}; {NOTHING_WRITTEN}"
        )


def describe(job: Job, summary: RunSummary, seconds: float, place: str) -> str:
    """Return the summary as one line.

    Args:
        job: the run's.
        summary: its numbers of rows.
        seconds: how long it took.
        place: where the scores were written.
    """
    skipped = f", {summary.skipped:,} not active" if job.active_since else ""
    quarantine = f" ({job.output}{QUARANTINE})" if summary.quarantined else ""
    return (
        f"score: version {job.version} ({job.alias}) scored {summary.scored:,} of {summary.read:,} rows of {job.input}, "
        f"{summary.quarantined:,} quarantined{quarantine}{skipped}; wrote {place} "
        f"({seconds:.1f} s, {summary.read / seconds:,.0f} rows/s)"
    )
