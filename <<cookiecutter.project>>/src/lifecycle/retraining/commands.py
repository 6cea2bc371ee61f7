"""The command `retrain`."""

import argparse
from typing import Any

from lifecycle.core.errors import ConfigError

MAX_REASON = 500  # characters


def retrain(arguments: argparse.Namespace) -> int:
    """Add newly labelled rows of the prediction log to the dataset, train on it, and propose the result as a pull request.

    Exit code 0: proposed, or nothing to learn; 1: blocked by the gate, or nothing to learn though there was a reason.
    """
    import signal

    from lifecycle.core.times import now, window
    from lifecycle.prediction_log.settings import location
    from lifecycle.prediction_log.writer import SKEW
    from lifecycle.retraining import settings
    from lifecycle.retraining.retrain import Options, retrain

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the worktree is removed
    span = window(arguments.since, arguments.until, None, now() + SKEW)
    reason = " ".join("".join(c if c.isprintable() else " " for c in arguments.reason).split())
    if len(reason) > MAX_REASON:
        raise ConfigError(f"--reason (REASON of make): at most {MAX_REASON} characters, these are {len(reason)}")
    log = location(arguments.log, settings.load().log)
    options = Options(log, span, reason, arguments.local)
    return 0 if retrain(options, lambda line: print(f"retrain: {line}", flush=True)) else 1


def add_to(verbs: Any) -> None:
    """Add this command to the command line."""
    verb = verbs.add_parser("retrain", help="retrain on the labels that came in", description=retrain.__doc__)
    verb.add_argument(
        "--reason", default="", metavar="TEXT", help="for the commit; with a reason it is an error if no row is new"
    )
    verb.add_argument("--since", metavar="TIME", help="only rows answered from then on: a date or a time, in UTC")
    verb.add_argument("--until", metavar="TIME", help="only rows answered before: a date or a time, in UTC")
    verb.add_argument(
        "--log", metavar="PATH", help="the prediction log, a folder or a URL (default: that of the settings)"
    )
    verb.add_argument("--local", action="store_true", help="stop after the commit on a branch; fetch and push nothing")
    verb.set_defaults(run=retrain)
