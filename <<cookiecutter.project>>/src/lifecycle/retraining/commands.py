"""The verb `retrain`."""

import argparse
import datetime
from typing import Any

from lifecycle.core.errors import ConfigError

LONGEST = 500


def retrain(arguments: argparse.Namespace) -> int:
    """Add newly labelled rows of the prediction log to the dataset, train on it, and propose the result. 0 fine or nothing to learn, 1 the gate says no."""
    import signal

    from lifecycle.monitoring import settings
    from lifecycle.retraining.retrain import Asked, retrain

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the worktree is removed then, too
    since, until = when(arguments.since, "--since", "00:00:00"), when(arguments.until, "--until", "23:59:59.999999")
    if since and until and since > until:
        raise ConfigError(f"--since {arguments.since} is after --until {arguments.until}")
    reason = " ".join("".join(c if c.isprintable() else " " for c in arguments.reason).split())
    if len(reason) > LONGEST:
        raise ConfigError(f"--reason (of make: REASON): say why, in {LONGEST} characters at most")
    log = settings.prediction_log(arguments.log)
    good = retrain(
        Asked(log, reason, since, until, arguments.local), lambda line: print(f"retrain: {line}", flush=True)
    )
    return 0 if good else 1


def when(text: str | None, option: str, of_day: str) -> datetime.datetime | None:
    """Return the time that a text names, UTC unless it says otherwise; of a date, the given time of that day."""
    if text is None:
        return None
    try:
        found = datetime.datetime.fromisoformat(f"{text}T{of_day}" if len(text) == len("2026-01-31") else text)
    except ValueError:
        raise ConfigError(f"{option} {text}: write a date, or a time such as 2026-01-31T12:00") from None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def add_to(verbs: Any) -> None:
    """Add this verb to the command line."""
    verb = verbs.add_parser("retrain", help="learn from the labels that came in", description=retrain.__doc__)
    verb.add_argument(
        "--reason", default="", metavar="TEXT", help="why, for the commit; then it is an error to find nothing new"
    )
    verb.add_argument("--since", metavar="TIME", help="only rows answered from then on: a date or a time, UTC")
    verb.add_argument("--until", metavar="TIME", help="only rows answered until then: a date (its end) or a time, UTC")
    verb.add_argument(
        "--log", metavar="PATH", help="the prediction log, a folder or a URL (default: that of the settings)"
    )
    verb.add_argument("--local", action="store_true", help="stop at the commit on a branch: fetch and push nothing")
    verb.set_defaults(run=retrain)
