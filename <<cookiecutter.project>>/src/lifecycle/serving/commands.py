"""The commands `serve`, `simulate`, `compare` and `explain-answer`."""

import argparse
from pathlib import Path
from typing import Any


def serve(arguments: argparse.Namespace) -> int:
    """Serve the version that has an alias over HTTP, and follow the alias when it moves."""
    from lifecycle.core import package_versions
    from lifecycle.serving.server import serve

    package_versions.check()
    serve(arguments.host, arguments.port, arguments.alias, arguments.wait)
    return 0


def simulate(arguments: argparse.Namespace) -> int:
    """Replay held-out rows against a server, one request per row. Exit code 0 if all were answered, 1 if not."""
    from lifecycle.serving import settings
    from lifecycle.serving.client import Client
    from lifecycle.serving.simulate import describe, simulate

    client = Client((arguments.url or settings.load().environments["production"][0]).rstrip("/"))
    shifts = dict(arguments.shift or ())
    simulation = simulate(client, arguments.rows, shifts, arguments.rate, arguments.labels, arguments.input)
    print(f"simulate: {describe(simulation)}")
    return 1 if simulation.first_refusal else 0


def compare(arguments: argparse.Namespace) -> int:
    """Compare the answers of a shadow with those of production, row by row, from the prediction log."""
    from lifecycle.core import config
    from lifecycle.core.times import now, window
    from lifecycle.prediction_log.settings import location
    from lifecycle.serving.compare import compare

    span = window(None, None, arguments.window, now())
    positive = config.load().data.positive
    print(compare(location(arguments.log), span, None if positive is None else str(positive)))
    return 0


def explain_answer(arguments: argparse.Namespace) -> int:
    """Print how much each column contributed to an answer in the prediction log."""
    from lifecycle.prediction_log.settings import location
    from lifecycle.serving import settings
    from lifecycle.serving.answer_explanation import explain_answer

    cache = settings.load().server.cache / "explained"
    print(explain_answer(arguments.request_id, location(arguments.log), cache))
    return 0


def shift(text: str) -> tuple[str, float]:
    column, _, factor = text.rpartition("=")
    return column, float(factor)


def positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError
    return number


def count(text: str) -> int:
    return int(positive(str(int(text))))


def add_to(verbs: Any) -> None:
    """Add these commands to the command line."""
    _add_serve(verbs)
    _add_simulate(verbs)
    _add_compare(verbs)
    _add_explain_answer(verbs)


def _add_serve(verbs: Any) -> None:
    verb = verbs.add_parser("serve", help="serve the model over HTTP", description=serve.__doc__)
    verb.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; one that other machines can reach needs a token (default: %(default)s)",
    )
    verb.add_argument(
        "--port", type=int, default=8000, help="port to listen on; 0 picks a free one (default: %(default)s)"
    )
    verb.add_argument(
        "--alias",
        choices=("staging", "production"),
        default="production",
        help="alias whose version is served (default: %(default)s)",
    )
    verb.add_argument(
        "--wait",
        type=seconds,
        default=90.0,
        metavar="SECONDS",
        help="how long the port may stay closed until the first version is loaded (default: %(default)g)",
    )
    verb.set_defaults(run=serve)


def _add_simulate(verbs: Any) -> None:
    verb = verbs.add_parser("simulate", help="replay held-out rows against a server", description=simulate.__doc__)
    verb.add_argument("--rows", type=count, required=True, metavar="N", help="how many rows to send")
    verb.add_argument(
        "--shift", type=shift, action="append", metavar="COLUMN=FACTOR", help="multiply a column; may be repeated"
    )
    verb.add_argument("--rate", type=positive, metavar="R", help="rows per second (default: as fast as possible)")
    verb.add_argument("--labels", action="store_true", help="report the actual outcome of each row, too")
    verb.add_argument(
        "--input", type=Path, metavar="FILE", help="file with rows like the raw data (default: the test rows)"
    )
    verb.add_argument("--url", help="address of the server (default: the first of production in serving.yaml)")
    verb.set_defaults(run=simulate)


def _add_compare(verbs: Any) -> None:
    verb = verbs.add_parser("compare", help="compare shadow and production", description=compare.__doc__)
    verb.add_argument("--window", default="1d", metavar="TIME", help="30m, 12h, 1d or 2w (default: %(default)s)")
    verb.add_argument(
        "--log", metavar="PATH", help="prediction log, a folder or a URL (default: server.log of serving.yaml)"
    )
    verb.set_defaults(run=compare)


def _add_explain_answer(verbs: Any) -> None:
    verb = verbs.add_parser("explain-answer", help="explain a logged answer", description=explain_answer.__doc__)
    verb.add_argument("request_id", metavar="REQUEST_ID", help="of the request, as the server answered it")
    verb.add_argument(
        "--log", metavar="PATH", help="prediction log, a folder or a URL (default: server.log of serving.yaml)"
    )
    verb.set_defaults(run=explain_answer)
