"""The pipeline that `dvc repro` runs: a module for each stage of dvc.yaml."""

import os
import time
from collections.abc import Callable

from lifecycle.core import package_versions
from lifecycle.core.errors import one_line

# Threads that wait for each other by spinning make a stage many times slower on a machine that is doing anything else,
# such as a second queued experiment. Set here because it is read when scikit-learn is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def run(name: str, main: Callable[[], str]) -> None:
    """Run a stage and print its summary and duration, or a ProjectError as one line.

    It does not run with packages other than those that are locked: dvc.lock would say that it had.
    """
    started = time.perf_counter()
    with one_line():
        package_versions.check()
        summary = main()
    print(f"{name}: {summary} ({time.perf_counter() - started:.1f} s)")
