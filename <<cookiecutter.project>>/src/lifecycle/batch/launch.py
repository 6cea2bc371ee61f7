"""The process that scores a job, started with the code of the job's version."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from lifecycle.batch import object_store
from lifecycle.batch.job import Job

COMMAND = [sys.executable, "-P", "-m", "lifecycle.batch.process"]


def become(job: Job) -> NoReturn:
    """Turn this process into the one that scores: memory that the registry needed is freed, and stopping it stops the run."""
    sys.stdout.flush()
    os.execve(sys.executable, [*COMMAND, job.to_json()], environment(job))


def run(job: Job) -> int:
    """Score a job in a process of its own, which ends with this one; return its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it ends, and what was fetched is removed
    if uses_store(job):
        return object_store.score(job, Path(job.version_folder).parent, COMMAND, environment(job))
    sys.stdout.flush()
    process = subprocess.Popen([*COMMAND, job.to_json()], env=environment(job))
    try:
        return process.wait()
    finally:
        process.kill()  # it has ended, unless this process is being stopped
        process.wait()


def uses_store(job: Job) -> bool:
    """Whether this machine has to fetch a job's table from an object store, or to put its scores there."""
    return job.engine == "local" and (object_store.is_address(job.input) or object_store.is_address(job.output))


def environment(job: Job) -> dict[str, str]:
    """Return the environment of the process that scores a job, with its version's code first on the path."""
    path = os.pathsep.join([job.code_folder, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**os.environ, "PYTHONPATH": path}
