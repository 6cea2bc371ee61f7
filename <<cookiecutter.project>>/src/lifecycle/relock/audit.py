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

    Raises ConfigError if the advisories, or the scanner itself, cannot be reached, or a package was not looked up: an index without
    advisories, such as a mirror, makes the scanner skip all of them and report no vulnerability.
    """
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "tool", "run", "--quiet", "--from", SCANNER, "pip-audit", "--requirement", str(REQUIREMENTS)]
    command += ["--disable-pip", "--require-hashes", "--vulnerability-service", "osv", "--format", "json"]
    command += ["--progress-spinner", "off"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = next(reversed(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
        raise ConfigError(f"the advisories cannot be reached, so nothing was scanned: {reason[:300]}") from None
    if skipped := [package for package in packages if "skip_reason" in package]:
        raise ConfigError(
            f"{len(skipped)} of {len(packages)} packages were not scanned: {skipped[0]['skip_reason'][:200]}"
        )
    return [
        f"{package['name']} {package['version']}: {advisory['id']}, fixed in {', '.join(advisory['fix_versions']) or 'no version'}"
        for package in packages
        for advisory in package["vulns"]
    ]
