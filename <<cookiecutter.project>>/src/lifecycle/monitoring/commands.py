"""What a person does to watch a model: one verb each."""

import argparse
import traceback
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ConfigError, ProjectError


def monitor(arguments: argparse.Namespace) -> int:
    """Hold a window of the traffic against the reference: 0 healthy, 1 act, 2 too few rows to say."""
    from lifecycle.monitoring import alarm_rule as rule
    from lifecycle.monitoring import render
    from lifecycle.monitoring.monitor import Asked, monitor

    if arguments.act and arguments.alias != "production":
        raise ConfigError(f"--act is for what is in production, not for {arguments.alias}")
    asked = Asked(arguments.alias, arguments.since, arguments.until, arguments.window, arguments.log)
    try:
        summary, place = monitor(asked)
    except ProjectError as error:  # 1 would mean that there is something to be done about the model
        raise ConfigError(str(error)) from error
    except Exception:
        traceback.print_exc()
        return 2
    print(render.terminal(summary), end="")
    print(f"report: {place}")
    if arguments.act:
        from lifecycle.monitoring.act import act

        for line in act(summary, place, Path()):
            print(line, flush=True)
    return rule.EXIT[summary["status"]]


def add_to(verbs: Any) -> None:
    """Add these verbs to the command line."""
    verb = verbs.add_parser("monitor", help="hold traffic against the reference", description=monitor.__doc__)
    verb.add_argument("--window", metavar="LENGTH", help="30m, 12h, 1d, 2w (default: window.length of monitoring.yaml)")
    verb.add_argument("--since", metavar="TIME", help="its start, in UTC (default: its length before its end)")
    verb.add_argument("--until", metavar="TIME", help="its end, in UTC (default: now)")
    verb.add_argument(
        "--log", metavar="PATH", help="the prediction log, a folder or a URL (default: that of the settings)"
    )
    verb.add_argument(
        "--alias",
        choices=("staging", "production"),
        default="production",
        help="whose traffic (default: %(default)s)",
    )
    verb.add_argument("--act", action="store_true", help="tell people, and start retraining if it is time to act")
    verb.set_defaults(run=monitor)
