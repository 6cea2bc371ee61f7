"""What came of a run, and when that is a failure."""

from collections.abc import Callable
from dataclasses import dataclass

from lifecycle.batch.job import Job
from lifecycle.batch.output import NOTHING, QUARANTINE
from lifecycle.core.errors import DataError


@dataclass(frozen=True)
class Outcome:
    """How many rows were read, and what became of them."""

    read: int = 0
    scored: int = 0
    bad: int = 0
    skipped: int = 0

    def plus(self, read: int, scored: int, bad: int, skipped: int) -> "Outcome":
        return Outcome(self.read + read, self.scored + scored, self.bad + bad, self.skipped + skipped)


def check_columns(job: Job, needed: list[str], found: list[str]) -> None:
    """Raise DataError naming the columns that the table lacks, or has twice."""
    for what, names in {
        "missing": [name for name in needed if name not in found],
        "repeated": [name for name in needed if found.count(name) > 1],
    }.items():
        if names:
            raise DataError(f"{job.input}: {what} column{'s'[: len(names) > 1]} {', '.join(names)}; {NOTHING}")


def check_outcome(job: Job, outcome: Outcome, example: Callable[[], str]) -> None:
    """Raise DataError if no row was scored, too many break the contract, or one got lost.

    `example` says what is wrong with one of those that break it.
    """
    if not outcome.read:
        raise DataError(f"{job.input}: has no rows; {NOTHING}")
    if outcome.read != outcome.scored + outcome.bad + outcome.skipped:
        raise RuntimeError(f"{job.input}: rows were lost: {outcome}; {NOTHING}")
    wanted = outcome.scored + outcome.bad
    if not wanted:
        column, date = job.active_since or ("", "")
        raise DataError(f"{job.input}: none of its {outcome.read:,} rows has {column} from {date} on; {NOTHING}")
    if outcome.bad > job.max_bad_share * wanted:
        raise DataError(
            f"{job.input}: {outcome.bad:,} of {wanted:,} rows break the contract, more than max_bad_share of batch.yaml "
            f"allows ({job.max_bad_share:g}), such as {example()}; {NOTHING}"
        )


def describe(job: Job, outcome: Outcome, seconds: float, place: str) -> str:
    """Return the outcome in one line."""
    skipped = f", {outcome.skipped:,} not active" if job.active_since else ""
    quarantine = f" ({job.output}{QUARANTINE})" if outcome.bad else ""
    return (
        f"score: version {job.version} ({job.alias}) scored {outcome.scored:,} of {outcome.read:,} rows of {job.input}, "
        f"{outcome.bad:,} in quarantine{quarantine}{skipped}; wrote {place} "
        f"({seconds:.1f} s, {outcome.read / seconds:,.0f} rows/s)"
    )
