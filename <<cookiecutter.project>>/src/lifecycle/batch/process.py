"""The process that scores: python -P -m PACKAGE.batch.process JOB, with the version's code first on PYTHONPATH."""

import errno
import os
import sys
import time
import warnings
from pathlib import Path

from pyarrow import ArrowException

from lifecycle.batch import output
from lifecycle.batch.input_files import short
from lifecycle.batch.job import Job
from lifecycle.batch.run_summary import describe
from lifecycle.core.errors import DataError, ProjectError, exit_with


def main(job: Job) -> str:
    """Do what is asked, and return what came of it in one line."""
    if "://" not in job.input and Path(job.input).exists():
        output.check_apart(job.input, job.output)
    if job.engine == "spark":
        os.environ.setdefault("SPARK_LOCAL_IP", "")  # see session.py
        from lifecycle.batch.spark.engine import score

        outcome = score(job)
    else:
        sys.modules["pyspark"] = None  # type: ignore[assignment]  # pandera would import it
        from lifecycle.batch.local_engine import score as score_here

        with output.writing(job.output, job.date) as (scores, quarantine):
            outcome = score_here(job, scores, quarantine)
    place = f"{job.output}/{output.DATE}={job.date}"
    return describe(job, outcome, time.time() - job.began, place)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # of Arrow's, for a line that is no UTF-8: reading it fails with a line of ours
    try:
        print(main(Job.from_json(sys.argv[1])))
    except ProjectError as error:
        exit_with(error)
    except ArrowException as error:  # of a type that is not foreseen
        exit_with(DataError(f"{Job.from_json(sys.argv[1]).input}: cannot be scored: {short(error)}; {output.NOTHING}"))
    except OSError as error:
        place = error.filename or Job.from_json(sys.argv[1]).output
        full = os.strerror(errno.ENOSPC)  # Arrow says more
        exit_with(DataError(f"{place}: {full if full in str(error) else error.strerror or error}; {output.NOTHING}"))
    except KeyboardInterrupt:
        sys.exit(130)
