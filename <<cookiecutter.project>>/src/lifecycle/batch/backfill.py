"""A range of dates scored in one process: the folder of each date in the input becomes a partition of the output of its own."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from lifecycle.batch.date_folders import dated_folders
from lifecycle.batch.job import Job
from lifecycle.batch.output import NOTHING_WRITTEN
from lifecycle.batch.score_rows import VersionError
from lifecycle.batch.spark.session import SparkError
from lifecycle.core.errors import ConfigError, DataError, ProjectError


def score_dates(job: Job, score: Callable[[Job], str]) -> None:
    """Score the dates of a job one after another; print a line for each.

    A date that cannot be scored does not keep the others from it, unless what fails is the version itself or Spark.

    Args:
        job: with `dates`; its input is the folder that holds theirs.
        score: scores one date, and returns what is to be printed.

    Raises DataError naming the dates that were not scored.
    """
    folders, failed = dated_folders(job.input, os.listdir(job.input), job.dates), []
    for date in job.dates:
        try:
            if date not in folders:
                raise DataError(f"{job.input} has no folder for it; {NOTHING_WRITTEN}")
            of_date = replace(
                job, input=os.path.join(job.input, folders[date]), date=date, dates=(), started=time.time()
            )
            print(score(of_date), flush=True)
        except (VersionError, SparkError) as error:
            kind = DataError if error.exit_code == DataError.exit_code else ConfigError
            raise kind(f"{date}: {error}; later dates were not tried") from error
        except ProjectError as error:
            failed.append(date)
            print(f"error: {date}: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
    if failed:
        raise DataError(f"{len(failed)} of {len(job.dates)} dates were not scored: {', '.join(failed)}")
