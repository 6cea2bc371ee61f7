"""A table scored with two versions: the scores of the second in an output of its own, and how far the two are apart."""

import sys
import time
from dataclasses import replace

from lifecycle.batch import launch
from lifecycle.batch.job import Job
from lifecycle.batch.object_store import is_address
from lifecycle.batch.spark.session import is_table
from lifecycle.core.errors import ConfigError


def check(alias: str, other: str, output: str) -> None:
    """Raise ConfigError if two aliases cannot be scored beside each other into an output."""
    if alias == other:
        raise ConfigError(f"--beside {other}: is the alias that is scored with: name another one")
    if is_address(output) or is_table(output):
        raise ConfigError(f"--output {output}: --beside needs a folder on this machine, in which the two are compared")


def output_of(output: str, alias: str) -> str:
    """Return the output of the second version, beside that of the first."""
    return f"{output}_{alias}"


def score(job: Job, other: Job | None, alias: str) -> int:
    """Score a table with two versions and print how far they are apart; return the exit code.

    Args:
        job: of the first version. If it fails, the second is not run.
        other: of the second; None if no version has its alias, which does not keep the first from scoring.
        alias: of the second.
    """
    if code := launch.run(job):
        return code
    if other is None or other.version == job.version:
        reason = f"no version is {alias}" if other is None else f"version {job.version} is {alias} too"
        print(f"warning: {reason}: scored with {job.alias} alone", file=sys.stderr)
        return 0
    if code := launch.run(replace(other, started=time.time())):
        return code
    from lifecycle.batch.comparison import compare

    print(compare(job, other))
    return 0
