"""The commands `relock` and `audit`."""

import argparse
from typing import Any


def relock(arguments: argparse.Namespace) -> int:
    """Update the packages in requirements.txt, run the pipeline after each, and propose the result as a pull request.

    Exit code 0: proposed, or nothing to update; 1: blocked by the gate, or the pipeline fails.
    """
    import signal

    from lifecycle.core.model_folders import require_top
    from lifecycle.relock.relock import relock

    require_top()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the worktree is removed
    return 0 if relock(arguments.local, lambda line: print(f"relock: {line}", flush=True)) else 1


def audit(arguments: argparse.Namespace) -> int:
    """List the packages in requirements.txt that have known vulnerabilities. Exit code 0: none, 1: some, 2: not scanned."""
    from lifecycle.relock.audit import vulnerabilities

    lines = vulnerabilities()
    print("\n".join([*lines, f"audit: {len(lines)} known vulnerabilities"]))
    return 1 if lines else 0


def add_to(commands: Any) -> None:
    """Add these commands to the command line."""
    command = commands.add_parser("relock", help="update the packages in requirements.txt", description=relock.__doc__)
    command.add_argument(
        "--local", action="store_true", help="stop after the commits on a branch; fetch and push nothing"
    )
    command.set_defaults(run=relock)
    command = commands.add_parser("audit", help="scan requirements.txt for vulnerabilities", description=audit.__doc__)
    command.set_defaults(run=audit)
