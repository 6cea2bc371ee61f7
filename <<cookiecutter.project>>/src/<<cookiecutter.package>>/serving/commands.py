"""What a person does with servers: one verb each."""

import argparse
from typing import Any


def serve(arguments: argparse.Namespace) -> int:
    """Answer requests with the version that has an alias, and with whichever has it next."""
    from << cookiecutter.package >>.serving.server import serve

    serve(arguments.host, arguments.port, arguments.alias)
    return 0


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
