"""requirements.txt, the lock: the version that it pins of every package."""

import re
from pathlib import Path

from lifecycle.core.errors import ConfigError

REQUIREMENTS = Path("requirements.txt")
PINNED = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)(?:\s*;\s*(.+))?")
# What a marker may ask beside the version of Python. Fixed, so that every machine reads the same versions from one lock.
PLATFORM = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}


def pinned_versions(text: str, python: str) -> dict[str, str]:
    """Return name → version of what a lock pins for a version of Python, such as 3.12, on Linux.

    Raises ConfigError if a line is not a package with one exact version.
    """
    from packaging.markers import InvalidMarker, Marker  # not at the top: every command imports this module, few read a lock

    environment = {**PLATFORM, "python_version": python, "python_full_version": f"{python}.0"}
    versions = {}
    for line in re.findall(r"^[^\s#-].*", text, flags=re.MULTILINE):  # without hashes, which are indented, and comments
        match = PINNED.fullmatch(line.removesuffix("\\").strip())
        try:
            if match is None:
                raise InvalidMarker
            if match[3] is None or Marker(match[3]).evaluate(environment):
                versions[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
        except InvalidMarker:
            raise ConfigError(
                f"{REQUIREMENTS}: {line[:80]!r} does not pin a package to one version: make lock"
            ) from None
    return versions
