"""The template, fetched from its address, at any of its commits."""

import json
import re
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import commit_of, git
from lifecycle.template.provenance import name_of

SECTION = re.compile(r"^## (\d[\w.]*).*$", re.MULTILINE)  # of CHANGELOG.md
BY_HAND = "### To do by hand"


@dataclass(frozen=True)
class Version:
    """The template as it is at one commit."""

    folder: Path
    commit: str | None

    @property
    def number(self) -> str | None:
        """The version that its pyproject.toml gives."""
        path = self.folder / "pyproject.toml"
        number: str | None = (
            tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"] if path.exists() else None
        )
        return number

    @property
    def name(self) -> str:
        return name_of(self.number, self.commit)

    def changes_since(self, number: str | None) -> str:
        """Return the sections of the changelog for versions later than `number`, latest first."""
        path = self.folder / "CHANGELOG.md"
        pieces = SECTION.split(path.read_text(encoding="utf-8")) if path.exists() else [""]
        sections = zip(pieces[1::2], pieces[2::2], strict=True)
        later = [f"## {name}\n\n{text.strip()}\n" for name, text in sections if order(name) > order(number or "0")]
        return "\n".join(later)


def order(number: str) -> tuple[int, ...]:
    """Return a version as numbers to compare."""
    return tuple(int(digits) for digits in re.findall(r"\d+", number))


def to_do_by_hand(changes: str) -> list[str]:
    """Return the lines below `### To do by hand` in sections of the changelog."""
    blocks = [re.split(r"^#{2,3} ", text, maxsplit=1, flags=re.MULTILINE)[0] for text in changes.split(BY_HAND)[1:]]
    return [line for block in blocks for line in block.strip().splitlines() if line.strip()]


class Template:
    """A template at its address; its versions are checked out into a folder."""

    def __init__(self, address: str, folder: Path) -> None:
        """Fetch it. Raises ConfigError if the address does not lead to a template.

        Args:
            address: as `cookiecutter` takes it: of a git repository (also `gh:owner/name`), a folder, or a zip file.
            folder: an empty one, for the clone.
        """
        from cookiecutter.config import get_user_config
        from cookiecutter.exceptions import CookiecutterException
        from cookiecutter.repository import expand_abbreviations, is_zip_file
        from cookiecutter.zipfile import unzip

        self._folder = folder
        address = expand_abbreviations(address, get_user_config()["abbreviations"]).removeprefix("git+")
        place = Path(address).expanduser()
        if is_zip_file(address):
            try:
                self._present = Path(unzip(address, not place.exists(), str(folder), no_input=True))
            except (CookiecutterException, OSError) as error:
                raise ConfigError(f"{address}: cannot be fetched: {error}") from None
            self._clone = None
        elif place.is_dir() and not (place / ".git").exists():
            self._present, self._clone = place, None
        else:
            self._clone = folder / "clone"
            git("clone", "--quiet", "--no-checkout", str(place) if place.is_dir() else address, str(self._clone))
            return
        if not (self._present / "cookiecutter.json").exists():
            raise ConfigError(f"{address}: not a template, it has no cookiecutter.json; name its address by TEMPLATE=")

    def at(self, revision: str) -> Version:
        """Check a revision out. Raises ConfigError if the template has no such revision, or no history at all."""
        if self._clone is None:
            raise ConfigError(f"the template is not a git repository, so it has no revision {revision}")
        for name in (f"refs/tags/v{revision}", f"refs/remotes/origin/{revision}", revision):
            with suppress(ConfigError):
                commit = commit_of(name, folder=self._clone)
                break
        else:
            raise ConfigError(f"the template has no revision {revision}: REF= takes a tag, a branch or a commit of it")
        folder = (self._folder / commit).absolute()
        if not folder.exists():
            git("worktree", "add", "--quiet", "--detach", str(folder), commit, folder=self._clone)
        if not (folder / "cookiecutter.json").exists():
            raise ConfigError(f"revision {revision} is not one of a template, it has no cookiecutter.json")
        return Version(folder, commit)

    def newest(self) -> Version:
        """Check the default branch out."""
        return Version(self._present, None) if self._clone is None else self.at("HEAD")

    def commits(self) -> list[str]:
        """Return the commits that led to the default branch, latest first."""
        return [] if self._clone is None else git("rev-list", "HEAD", folder=self._clone).split()

    def blobs(self, commit: str) -> set[str]:
        """Return the hashes of the files that a commit renders, as they are before they are rendered."""
        lines = git("ls-tree", "-r", commit, folder=self._clone or Path()).splitlines()
        return {line.split()[2] for line in lines if "cookiecutter" in line.partition("\t")[2].partition("/")[0]}


def prompts(version: Version) -> dict[str, Any]:
    """Return the prompts of a version with their defaults, not rendered; a list holds the choices, the default first."""
    content = json.loads((version.folder / "cookiecutter.json").read_text(encoding="utf-8"))
    return {name: default for name, default in content.items() if not name.startswith("_")}
