"""The command `monitor`."""

import argparse
import traceback
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ConfigError, ProjectError


def monitor(arguments: argparse.Namespace) -> int:
    """Compare a window of the traffic with the reference. Exit code 0: healthy, 1: act, 2: undecided, or an error."""
    from lifecycle.monitoring import alarm_rule, summary_format
    from lifecycle.monitoring.monitor import Options, monitor

    if arguments.act and arguments.alias != "production":
        raise ConfigError(f"--act is for production, not for {arguments.alias}")
    options = Options(arguments.alias, arguments.since, arguments.until, arguments.window, arguments.log)
    try:
        summary, folder = monitor(options)
    except ProjectError as error:  # exit code 1 would mean that the status is act
        raise ConfigError(str(error)) from error
    except Exception:
        traceback.print_exc()
        return 2
    print(summary_format.terminal(summary), end="")
    print(f"report: {folder}")
    if arguments.act:
        from lifecycle.monitoring.alerts import act

        for line in act(summary, folder, Path()):
            print(line, flush=True)
    return alarm_rule.EXIT_CODES[summary.status]


def add_to(verbs: Any) -> None:
    """Add this command to the command line."""
    verb = verbs.add_parser("monitor", help="compare traffic with the reference", description=monitor.__doc__)
    verb.add_argument("--window", metavar="LENGTH", help="30m, 12h, 1d, 2w (default: window.length of monitoring.yaml)")
    verb.add_argument(
        "--since", metavar="TIME", help="start of the window, in UTC (default: its length before its end)"
    )
    verb.add_argument("--until", metavar="TIME", help="end of the window, in UTC (default: now)")
    verb.add_argument(
        "--log", metavar="PATH", help="the prediction log, a folder or a URL (default: that of the settings)"
    )
    verb.add_argument(
        "--alias",
        choices=("staging", "production"),
        default="production",
        help="whose traffic (default: %(default)s)",
    )
    verb.add_argument(
        "--act", action="store_true", help="if it is time to act, alert people, and start what the settings say"
    )
    verb.set_defaults(run=monitor)
