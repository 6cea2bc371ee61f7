"""The process that scores: python -P -m lifecycle.batch.process JOB, with the version's code first on PYTHONPATH."""

import errno
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import ArrowException

from lifecycle.batch import output
from lifecycle.batch.input_files import error_text
from lifecycle.batch.job import Job
from lifecycle.batch.run_summary import describe
from lifecycle.core.errors import DataError, ProjectError, exit_with

UNUSED = ("pytest", "rich")  # scikit-learn imports them, if they are there, for its own tests and progress bars


def main(job: Job) -> str:
    """Score a table. Returns a summary of one line."""
    if "://" not in job.input and Path(job.input).exists():
        output.check_no_overlap(job.input, job.output)
    if job.engine == "spark":
        os.environ.setdefault("SPARK_LOCAL_IP", "")  # see session.py
        from lifecycle.batch.spark.engine import score

        summary = score(job)
    else:
        sys.modules["pyspark"] = None  # type: ignore[assignment]  # pandera would import it
        with _hidden(*UNUSED):
            from lifecycle.batch.local_engine import score as score_locally

        with output.staged_output(job.output, job.date) as (scores, quarantine):
            summary = score_locally(job, scores, quarantine)
    place = f"{job.output}/{output.DATE}={job.date}"
    return describe(job, summary, time.time() - job.started, place)


def run(job: Job) -> None:
    """Score a table, or the dates of a range, and print a line for each. Raises ProjectError."""
    if job.dates:
        with _hidden(*UNUSED):
            from lifecycle.batch.backfill import score_dates

        output.check_no_overlap(job.input, job.output)
        score_dates(job, _main)
    else:
        print(_main(job))


def _main(job: Job) -> str:
    try:
        return main(job)
    except (ArrowException, OSError) as error:
        raise _explained(error, job) from error


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Let packages be absent for what is imported in the block, unless they are imported already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None stands for a package that cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _explained(error: ArrowException | OSError, job: Job) -> DataError:
    """Return an error of Arrow's or the operating system's as one that a user can act on."""
    if isinstance(error, OSError):
        place, disk_full = error.filename or job.output, os.strerror(errno.ENOSPC)
        cause = disk_full if disk_full in str(error) else error.strerror or error  # Arrow wraps it in more words
        return DataError(f"{place}: {cause}; {output.NOTHING_WRITTEN}")
    return DataError(f"{job.input}: cannot be scored: {error_text(error)}; {output.NOTHING_WRITTEN}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # Arrow's, for a line that is not UTF-8: reading it fails with our own message
    try:
        run(Job.from_json(sys.argv[1]))
    except ProjectError as error:
        exit_with(error)
    except KeyboardInterrupt:
        sys.exit(130)
