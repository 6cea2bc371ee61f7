"""The command `log`."""

import argparse
import sys
from typing import Any


def compact(arguments: argparse.Namespace) -> int:
    """Write the days of the prediction log that are over to Parquet, and remove those older than log.keep_days of serving.yaml.

    Servers may write meanwhile. Exit code 1 if a file cannot be read: its day stays as it is.
    """
    from lifecycle.core.times import now
    from lifecycle.prediction_log import settings
    from lifecycle.prediction_log.compaction import compact

    keep_days = settings.retention().keep_days
    done = compact(settings.folder(arguments.log), keep_days, now())
    size = f"{done.bytes_before / 1e6:,.1f} MB, now {done.bytes_after / 1e6:,.1f} MB"
    print(
        f"log: {done.lines:,} lines of {done.files:,} files are in Parquet now ({size})"
        if done.files
        else "log: nothing to compact"
    )
    if done.removed:
        days = done.removed[0] if len(done.removed) == 1 else f"{done.removed[0]} to {done.removed[-1]}"
        print(f"log: {len(done.removed):,} days older than {keep_days} days were removed ({days})")
    for problem in done.problems:
        print(f"error: {problem}: its day stays as it is", file=sys.stderr)
    return 1 if done.problems else 0


def add_to(verbs: Any) -> None:
    """Add this command to the command line."""
    verb = verbs.add_parser("log", help="keep the prediction log", description="Keep the prediction log.")
    actions = verb.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser(
        "compact", help="write days that are over to Parquet, and remove old ones", description=compact.__doc__
    )
    add_log_option(action)
    action.set_defaults(run=compact)


def add_log_option(verb: argparse.ArgumentParser) -> None:
    """Let a command that changes the prediction log be told where it is."""
    verb.add_argument(
        "--log",
        metavar="PATH",
        help="the prediction log, a folder (default: SERVING_LOG, or server.log of serving.yaml)",
    )
