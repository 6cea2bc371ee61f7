"""What a person does with servers: one verb each."""

import argparse
from pathlib import Path
from typing import Any


def serve(arguments: argparse.Namespace) -> int:
    """Answer requests with the version that has an alias, and with whichever has it next."""
    from lifecycle.serving.server import serve

    serve(arguments.host, arguments.port, arguments.alias)
    return 0


def simulate(arguments: argparse.Namespace) -> int:
    """Replay held-out rows against a server, one request each. 0 if all were answered, 1 if not."""
    from lifecycle.serving import settings
    from lifecycle.serving.client import Client
    from lifecycle.serving.simulate import describe, simulate

    client = Client((arguments.url or settings.load().environments["production"][0]).rstrip("/"))
    shifts = dict(arguments.shift or ())
    outcome = simulate(client, arguments.rows, shifts, arguments.rate, arguments.labels, arguments.input)
    print(f"simulate: {describe(outcome)}")
    return 1 if outcome.refusal else 0


def compare(arguments: argparse.Namespace) -> int:
    """Compare what a shadow answered with what production answered, row by row, from the prediction log."""
    from lifecycle.core import config
    from lifecycle.core.times import now, window
    from lifecycle.prediction_log.settings import location
    from lifecycle.serving.compare import compare

    span = window(None, None, arguments.window, now())
    positive = config.load().data.positive
    print(compare(location(arguments.log), span, None if positive is None else str(positive)))
    return 0


def shift(text: str) -> tuple[str, float]:
    column, _, factor = text.rpartition("=")
    return column, float(factor)


def positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def count(text: str) -> int:
    return int(positive(str(int(text))))


def add_to(verbs: Any) -> None:
    """Add these verbs to the command line."""
    verb = verbs.add_parser("serve", help="answer requests over HTTP", description=serve.__doc__)
    verb.add_argument(
        "--host",
        default="127.0.0.1",
        help="where to listen; beyond this machine only with a token (default: %(default)s)",
    )
    verb.add_argument("--port", type=int, default=8000, help="0 for any that is free (default: %(default)s)")
    verb.add_argument(
        "--alias",
        choices=("staging", "production"),
        default="production",
        help="whose version answers (default: %(default)s)",
    )
    verb.set_defaults(run=serve)
    verb = verbs.add_parser("simulate", help="replay held-out rows against a server", description=simulate.__doc__)
    verb.add_argument("--rows", type=count, required=True, metavar="N")
    verb.add_argument(
        "--shift", type=shift, action="append", metavar="COLUMN=FACTOR", help="multiply a column; may be repeated"
    )
    verb.add_argument(
        "--rate", type=positive, metavar="R", help="rows a second (default: as fast as they are answered)"
    )
    verb.add_argument("--labels", action="store_true", help="tell the server what has become of each row, too")
    verb.add_argument(
        "--input", type=Path, metavar="FILE", help="rows of a file like the raw one (default: the test rows)"
    )
    verb.add_argument("--url", help="of the server (default: the first of production in serving.yaml)")
    verb.set_defaults(run=simulate)
    verb = verbs.add_parser("compare", help="compare a shadow with production", description=compare.__doc__)
    verb.add_argument("--window", default="1d", metavar="TIME", help="30m, 12h, 1d, 2w (default: %(default)s)")
    verb.add_argument(
        "--log", metavar="PATH", help="the prediction log, a folder or a URL (default: server.log of serving.yaml)"
    )
    verb.set_defaults(run=compare)
