"""The template's versions, changelog and record."""

import subprocess
from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.template import provenance
from lifecycle.template.source import Template, Version, order, to_do_by_hand

CHANGELOG = """\
# Changelog

## 0.10.0 (unreleased)

### To do by hand

- Do this.
- And that,
  in two lines.

### Added

- x

## 0.9.1

### Fixed

- y

## 0.9.0

### To do by hand

- Long ago.
"""


def test_versions_are_ordered_by_their_numbers() -> None:
    assert order("0.10.0") > order("0.9.1") > order("0.9") > order("0")


def test_changes_are_those_of_later_versions_and_what_is_to_be_done_is_found_in_them(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    version = Version(tmp_path, None)

    assert "0.10.0" in version.changes_since("0.9.0")
    assert "0.9.1" in version.changes_since("0.9.0")
    assert "Long ago" not in version.changes_since("0.9.0")
    assert version.changes_since("0.10.0") == ""
    assert to_do_by_hand(version.changes_since("0.9.0")) == ["- Do this.", "- And that,", "  in two lines."]
    assert to_do_by_hand(version.changes_since(None))[-1] == "- Long ago."


def test_an_address_that_leads_to_no_template_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "clone").mkdir()
    (tmp_path / "no.zip").write_bytes(b"not a zip")

    for address in ("empty", "nowhere", "no.zip"):
        folder = tmp_path / f"for-{address}"
        folder.mkdir()
        with pytest.raises(ConfigError, match=address):
            Template(str(tmp_path / address), folder)


def test_a_revision_is_a_tag_with_or_without_v_a_branch_or_a_commit(tmp_path: Path) -> None:
    source = tmp_path / "source"
    commands = [
        "git init -q -b main .",
        "echo {} > cookiecutter.json && git add -A && git -c user.name=A -c user.email=a@b commit -qm 1",
        "git tag v1.0 && git branch side",
    ]
    source.mkdir()
    for command in commands:
        subprocess.run(command, shell=True, cwd=source, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=source, capture_output=True, text=True).stdout.strip()
    (tmp_path / "work").mkdir()
    template = Template(str(source), tmp_path / "work")

    assert {template.at(name).commit for name in ("1.0", "v1.0", "side", "main", head, head[:8])} == {head}
    assert template.newest().commit == head
    with pytest.raises(ConfigError, match="no revision 2"):
        template.at("2.0")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"template": 1}'])
def test_a_damaged_record_is_an_error_that_says_how_to_restore_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".template.json"
    path.write_text(text)

    with pytest.raises(ConfigError, match="git checkout"):
        provenance.read(path)
