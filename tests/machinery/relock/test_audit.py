"""A scan reports what it found, and never passes if it found out nothing."""

import json
import subprocess
from typing import Any

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.relock import audit


def scanner(monkeypatch: pytest.MonkeyPatch, stdout: str, stderr: str, code: int) -> None:
    def run(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, code, stdout, stderr)

    monkeypatch.setattr(subprocess, "run", run)


def test_each_vulnerability_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    vulns = [{"id": "CVE-1", "fix_versions": ["2.0"]}, {"id": "CVE-2", "fix_versions": []}]
    packages = [{"name": "a", "version": "1.0", "vulns": vulns}, {"name": "b", "version": "1.0", "vulns": []}]
    scanner(monkeypatch, json.dumps({"dependencies": packages}), "Found 2 known vulnerabilities", 1)

    assert audit.vulnerabilities() == ["a 1.0: CVE-1, fixed in 2.0", "a 1.0: CVE-2, fixed in no version"]


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_scan_that_did_not_happen_is_an_error(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    scanner(monkeypatch, "", "INFO: x\nERROR: Failed to connect to the vulnerability service", code)

    with pytest.raises(ConfigError, match="cannot be reached, so nothing was scanned: ERROR: Failed to connect"):
        audit.vulnerabilities()


def test_a_package_that_was_skipped_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scanner itself ends with 0 and "No known vulnerabilities found" then."""
    packages = [{"name": "a", "version": "1.0", "vulns": []}, {"name": "b", "skip_reason": "b was not found"}]
    scanner(monkeypatch, json.dumps({"dependencies": packages}), "No known vulnerabilities found", 0)

    with pytest.raises(ConfigError, match="1 of 2 packages were not scanned: b was not found"):
        audit.vulnerabilities()
