"""The process that scores: python -P -m PACKAGE.batch.process JOB, with the version's code first on PYTHONPATH."""

import errno
import os
import sys
import time
import warnings

from << cookiecutter.package >>.batch import output
from << cookiecutter.package >>.batch.job import Job
from << cookiecutter.package >>.batch.outcome import describe
from << cookiecutter.package >>.errors import DataError, ProjectError, exit_with


def main(job: Job) -> str:
    """Do what is asked, and return what came of it in one line."""
    started = time.perf_counter()
    if job.engine == "spark":
        os.environ.setdefault("SPARK_LOCAL_IP", "")  # see session.py
        from << cookiecutter.package >>.batch.spark import score

        outcome = score(job)
    else:
        sys.modules["pyspark"] = None  # type: ignore[assignment]  # pandera would import it
        from << cookiecutter.package >>.batch.local import score as score_here

        with output.writing(job.output, job.date) as (scores, quarantine):
            outcome = score_here(job, scores, quarantine)
    place = f"{job.output}/{output.DATE}={job.date}"
    return describe(job, outcome, time.perf_counter() - started, place)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    try:
        print(main(Job.from_json(sys.argv[1])))
    except ProjectError as error:
        exit_with(error)
    except OSError as error:
        place = error.filename or Job.from_json(sys.argv[1]).output
        full = os.strerror(errno.ENOSPC)  # Arrow says more
        exit_with(DataError(f"{place}: {full if full in str(error) else error.strerror or error}; {output.NOTHING}"))
    except KeyboardInterrupt:
        sys.exit(130)
