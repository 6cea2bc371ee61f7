"""A scan of the lock for packages with known vulnerabilities."""

import json
import subprocess
import sys
from pathlib import Path

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import environment
from lifecycle.core.requirements import REQUIREMENTS

SCANNER = "pip-audit>=2.9,<3"


def vulnerabilities() -> list[str]:
    """Return the known vulnerabilities of the packages in the lock, a line each.

    Raises ConfigError if the advisories, or the scanner itself, cannot be reached.
    """
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "tool", "run", "--quiet", "--from", SCANNER, "pip-audit", "--requirement", str(REQUIREMENTS)]
    command += ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = next(reversed(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
        raise ConfigError(f"the advisories cannot be reached, so nothing was scanned: {reason[-200:]}") from None
    return [
        f"{package['name']} {package['version']}: {advisory['id']}, fixed in {', '.join(advisory['fix_versions']) or 'no version'}"
        for package in packages
        for advisory in package.get("vulns", [])
    ]
